"""oncall: who is on call, and shifts that a person takes, gives away or swaps."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import WHICH, Add, signed

_LOOKS = ("now", "shifts", "ical", "changes")
_DEEDS = ("take", "give", "swap", "undo")
_EXAMPLES = """\
examples:
  steadyhand oncall                              who is on call now
  steadyhand oncall take --for 8h                I am on call from now for eight hours
  steadyhand oncall take --from 2026-12-24T18:00 --to 2026-12-26T09:00 --reason "you have children"
  steadyhand oncall give bo                      bo has my next shift, or the rest of this one
  steadyhand oncall swap bo                      my next shift for bo's next one
  steadyhand oncall changes                      what was changed by hand, with its id
  steadyhand oncall undo shift-1a2b3c4d          the schedule's own people again, from now on
"""


def declare(add: Add) -> None:
    """Who is on call, and how that changes hands."""
    one = add("oncall", "Say who is on call; take, give away or swap a shift; undo that.", _oncall)
    one.epilog, one.formatter_class = _EXAMPLES, argparse.RawDescriptionHelpFormatter
    one.add_argument("what", nargs="?", default="now", choices=(*_LOOKS, *_DEEDS))
    one.add_argument(
        "other",
        nargs="?",
        default="",
        help="give: to whom; swap: with whom; undo: the id that `changes` shows",
    )
    one.add_argument("--schedule", default="", help="all of them, or the only one, where not given")
    one.add_argument(
        "--from",
        dest="start",
        default="",
        help="shifts and ical: like 2026-01-31T00:00Z; now where not given. To change a shift also without a "
        "zone: then it is the schedule's own time; where not given take means now, give and swap "
        "your next shift",
    )
    one.add_argument(
        "--to", dest="end", default="", help="where not given two weeks later; take: the next hand-off"
    )
    one.add_argument("--for", dest="lasts", default="", help="to change a shift, in place of --to: 8h, 30m")
    one.add_argument("--their-from", default="", help="swap: what you get; their next shift where not given")
    one.add_argument("--their-to", default="")
    one.add_argument("--reason", default="", help="those whose time changes read it")
    one.add_argument("--config", type=Path, help=WHICH)
    signed(one)


def _oncall(args: argparse.Namespace) -> int:
    from steadyhand.commands.oncall import change, changes, oncall, undo
    from steadyhand.config import default_path

    if args.what == "undo":
        return undo(args.other, args.person)
    if args.what in _DEEDS:
        return change(_wanted(args), args.person)
    path = args.config or default_path()
    return (
        changes(path)
        if args.what == "changes"
        else oncall(path, args.what, args.schedule, args.start, args.end)
    )


def _wanted(args: argparse.Namespace) -> dict[str, str]:
    return {
        "kind": args.what,
        "schedule": args.schedule,
        "other": args.other,
        "starts": args.start,
        "ends": args.end,
        "lasts": args.lasts,
        "their_starts": args.their_from,
        "their_ends": args.their_to,
        "reason": args.reason,
    }
