"""channels, told, explain, update: what was sent to whom."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import Add, signed


def declare(add: Add) -> None:
    """What is sent to whom."""
    channels = add("channels", "Say whether each channel is ready, or try one out.", _channels)
    channels.add_argument("what", choices=("check", "test"))
    channels.add_argument("name", nargs="?", default="", help="test: the channel")
    channels.add_argument(
        "target", nargs="?", default="", help="test: whom it is for, as the channel calls them"
    )
    channels.add_argument("--config", type=Path)
    for name, help_text in (
        ("told", "List what became of each message of an incident."),
        ("explain", "Say why each message of an incident was sent and to whom, and who is told next."),
        ("update", "Tell stakeholders how things stand, in your own words."),
    ):
        one = add(name, help_text, _messages)
        one.set_defaults(verb=name)
        one.add_argument("incident")
        signed(one)
        if name == "update":
            one.add_argument("--words", default="", help="what to say; asked for where not given")


def _channels(args: argparse.Namespace) -> int:
    from steadyhand.commands.messages import check, try_out
    from steadyhand.config import default_path

    path = args.config or default_path()
    return check(path) if args.what == "check" else try_out(path, args.name, args.target)


def _messages(args: argparse.Namespace) -> int:
    from steadyhand.commands.messages import explain, told, update

    if args.verb != "update":
        return {"told": told, "explain": explain}[args.verb](args.incident, args.person)
    return update(args.incident, args.person, args.words)
