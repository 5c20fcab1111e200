"""eval: answer cases whose cause is known, and say how right and how sure the answers were."""

import argparse
import sys

from steadyhand.evaluation.case import Case
from steadyhand.evaluation.claude import Claude
from steadyhand.evaluation.engines import Command, engine
from steadyhand.evaluation.errors import NoCases
from steadyhand.evaluation.report import as_html, as_json, as_text
from steadyhand.evaluation.score import Respond, rows, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.journey.diagnosis.ranking.weights import shipped


def evaluate(args: argparse.Namespace) -> int:
    """Print the scoreboard, and write it where asked. Raises EvaluationError, OSError."""
    cases = _chosen(find_cases(args.data), args.part, args.limit)
    found = score(cases, _respond(args))
    board = rows(found)
    ranker = shipped()
    about = {
        "data": args.data,
        "cases": f"{len(found)}, part: {args.part}",
        "engine": f"claude ({args.model})" if args.engine == "claude" else args.engine,
        "ranker": f"{ranker.version}, calibrated on {ranker.calibrated_on} (n {ranker.calibrated_n})",
        "sees": "what existed when the alert came, the samples then in progress included; a capsule: 10 s on",
    }
    sys.stdout.write(as_text(board) + "\n")
    if args.json:
        args.json.write_text(as_json(board, found, about), encoding="utf-8")
    if args.html:
        args.html.write_text(as_html(board, about), encoding="utf-8")
    return 0


def _chosen(cases: tuple[Case, ...], part: str, limit: int) -> tuple[Case, ...]:
    wanted = {"all": {True, False}, "aside": {True}, "open": {False}}[part]
    chosen = tuple(one for one in cases if one.kept_aside in wanted)
    if not chosen:
        raise NoCases(f"none of {len(cases)} cases is in the part {part!r}; try --part all")
    return chosen[:limit] if limit else chosen


def _respond(args: argparse.Namespace) -> Respond:
    if args.engine == "command":
        return Command(args.command, args.deadline)
    if args.engine == "claude":
        return Claude(args.model, args.deadline)
    return engine
