"""eval: how right and how sure the diagnosis is."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import Add


def declare(add: Add) -> None:
    """The scoreboard."""
    one = add("eval", "Answer cases whose cause is known, and say how right and how sure.", _evaluate)
    one.add_argument("data", help="a folder with cases or capsules, or generated:, traps: or twins:N[:SEED]")
    one.add_argument("--engine", choices=("none", "command", "claude"), default="none", help="who answers")
    one.add_argument("--command", default="", help="the program that answers, with --engine command")
    one.add_argument(
        "--model", default="claude-sonnet-5-5", help="the model that answers, with --engine claude"
    )
    one.add_argument("--deadline", type=float, default=120.0, help="seconds for each answer")
    one.add_argument(
        "--part", choices=("all", "open", "aside"), default="all", help="which part: aside is a fixed third"
    )
    one.add_argument("--limit", type=int, default=0, help="at most so many cases")
    one.add_argument(
        "--keep", type=Path, help="keep each answer in this file; started again, ask only for the rest"
    )
    one.add_argument(
        "--again", action="store_true", help="with --keep: ask again where no answer came before"
    )
    one.add_argument(
        "--price",
        type=float,
        nargs=2,
        metavar=("READ", "WRITTEN"),
        help="US dollars for a million tokens, with --engine claude",
    )
    one.add_argument("--html", type=Path, help="write the page with the reliability diagrams here")
    one.add_argument("--picture", type=Path, help="write the reliability diagrams alone here, as SVG")
    one.add_argument("--json", type=Path, help="write all figures, case by case, here")


def _evaluate(args: argparse.Namespace) -> int:
    from steadyhand.commands.evaluate import evaluate

    return evaluate(args)
