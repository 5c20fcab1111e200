"""silence and maintenance."""

import argparse

from steadyhand.commands.grammar import Add, signed


def declare(add: Add) -> None:
    """What wakes nobody for a while."""
    for name, help_text, what in (
        ("silence", "Keep alerts that match from waking anybody.", "service=shop, name=High* or region!=eu"),
        ("maintenance", "Plan a time in which services wake nobody.", "service, or a pattern such as shop-*"),
    ):
        one = add(name, help_text, _quiet)
        one.set_defaults(kind=name)
        one.add_argument("what", choices=("list", "add", "end"))
        one.add_argument("matches", nargs="*", help=f"{what}; for end: the id")
        one.add_argument("--for", dest="lasts", default="1h", help="how long, e.g. 30m or 2h")
        one.add_argument("--from", dest="begins", default="", help="e.g. 2026-12-01T02:00:00Z; else now")
        one.add_argument("--reason", default="")
        signed(one)


def _quiet(args: argparse.Namespace) -> int:
    from steadyhand.commands.quiet import add, end, show

    if args.what == "list":
        return show(args.person)
    if args.what == "end":
        return end(args.matches, args.person)
    return add(args.kind, args.matches, args.begins, args.lasts, args.reason, args.person)
