"""memory, judge: what closed incidents teach."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import WHICH, Add, signed


def declare(add: Add) -> None:
    """What closed incidents teach."""
    memory = add("memory", "Import post-mortems, list what is remembered, forget a case.", _memory)
    memory.add_argument("what", choices=("import", "list", "forget"))
    memory.add_argument(
        "names",
        nargs="*",
        help="import: files, .md or .json; list: texts they must hold; forget: the case's id",
    )
    memory.add_argument("--config", type=Path, help=WHICH)
    judge = add("judge", "Say what a closed incident was, with your PIN: others learn from it.", _judge)
    judge.add_argument("verdict", choices=("confirmed", "other", "unknown"))
    judge.add_argument("id", help="the incident")
    said_of_a_cause(judge)
    signed(judge)


def said_of_a_cause(one: argparse.ArgumentParser) -> None:
    """What a person may say of a cause."""
    one.add_argument("--hypothesis", default="", help="confirmed: which, like h2; the first where not given")
    one.add_argument("--cause", default="", help="other: what it was, in your words")
    one.add_argument("--class", dest="fault_class", default="", help="other: its fault class, if it has one")
    one.add_argument("--worked", choices=("yes", "no", "unknown"), default="", help="whether the fix did it")


def said(args: argparse.Namespace) -> dict[str, str]:
    """What was said of the cause."""
    return {key: getattr(args, key) for key in ("hypothesis", "cause", "fault_class", "worked")}


def _memory(args: argparse.Namespace) -> int:
    from steadyhand.commands.memory import bring_in, forget, show
    from steadyhand.ports import ConfigError

    if args.what == "list":
        return show(args.config, args.names)
    if not args.names:
        raise ConfigError(
            f"memory {args.what} needs {'a file' if args.what == 'import' else 'the id of a case'}"
        )
    if args.what == "import":
        return bring_in([Path(one) for one in args.names], args.config)
    return max(forget(one, args.config) for one in args.names)


def _judge(args: argparse.Namespace) -> int:
    from steadyhand.commands.memory import judge

    return judge(args.id, args.person, {"verdict": args.verdict, **said(args)})
