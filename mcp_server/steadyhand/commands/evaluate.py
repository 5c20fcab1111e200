"""eval: answer cases whose cause is known, and say how right and how sure the answers were."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from steadyhand.evaluation.answering import Respond
from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.board import as_html, as_picture
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.engines import engine
from steadyhand.evaluation.errors import BadPlace, NoCases, NoEngine
from steadyhand.evaluation.kept import Kept
from steadyhand.evaluation.report import as_json, as_text
from steadyhand.evaluation.score import Scored, rows, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.evaluation.worlds.generate import DRAWN, VERSION
from steadyhand.journey.diagnosis.ranking.weights import shipped
from steadyhand.wiring import playbooks


def evaluate(args: argparse.Namespace) -> int:
    """Print the scoreboard, and write it where asked. Raises EvaluationError, OSError."""
    _writable(args.json, args.html, args.picture)
    cases = _chosen(find_cases(args.data), args.part, args.limit)
    kept = Kept(args.keep, f"{_who(args)}, {_version()}", again=args.again) if args.keep else None
    found = score(cases, _respond(args), kept, _teller(len(cases)))
    board, about = rows(found), _about(args, found)
    sys.stdout.write(as_text(board) + "\n")
    if args.json:
        args.json.write_text(as_json(board, found, about), encoding="utf-8")
    if args.html:
        args.html.write_text(as_html(board, found, about), encoding="utf-8")
    if args.picture:
        args.picture.write_text(as_picture(board), encoding="utf-8")
    return _end(found)


def _writable(*files: Path | None) -> None:
    """Said before the first case is asked: a run may take hours, and cost money. Raises BadPlace."""
    for one in files:
        if one is not None and (one.is_dir() or not one.parent.is_dir()):
            raise BadPlace(f"{one}: cannot be written; name a file in a folder that exists")


def _end(found: Sequence[Scored]) -> int:
    """Not one answer is no result: the first reason is most likely that of all."""
    if all(one.answer.failed for one in found):
        raise NoEngine(f"not one of {len(found)} cases was answered; the first: {found[0].answer.failed}")
    return 0


def _about(args: argparse.Namespace, found: Sequence[Scored]) -> dict[str, str]:
    ranker = shipped()
    failed = sum(bool(one.answer.failed) for one in found)
    return {
        "data": f"{args.data}{_drawn(args.data)}",
        "cases": f"{len(found)}, part: {args.part}" + (f", {failed} without an answer" if failed else ""),
        "engine": _who(args),
        "ranker": f"{ranker.version}, calibrated on {ranker.calibrated_on} (n {ranker.calibrated_n})",
        "sees": "what existed when the alert came, the samples then in progress included; a capsule: 10 s on",
    }


def _drawn(data: str) -> str:
    """Which worlds these are: the same seeds of another version are others."""
    return f" (worlds-{VERSION})" if data.partition(":")[0] in DRAWN else ""


def _who(args: argparse.Namespace) -> str:
    return {"none": "none", "command": f"command ({args.command})", "claude": f"claude ({args.model})"}[
        args.engine
    ]


def _version() -> str:
    return f"ranker {shipped().version}"


def _teller(many: int) -> Callable[[int, Case, Answer], None]:
    """Failures are told as they come; how far it is, where somebody watches."""
    watched = sys.stderr.isatty()

    def tell(number: int, case: Case, answer: Answer) -> None:
        if answer.failed:
            sys.stderr.write(f"no answer to {number} of {many}: {answer.failed}\n")
        elif watched:
            first = "nobody" if answer.abstained else answer.components[0]
            sys.stderr.write(f"{number} of {many} {case.system} {case.id}: {first}, {answer.seconds:.1f} s\n")

    return tell


def _chosen(cases: tuple[Case, ...], part: str, limit: int) -> tuple[Case, ...]:
    wanted = {"all": {True, False}, "aside": {True}, "open": {False}}[part]
    chosen = tuple(one for one in cases if one.kept_aside in wanted)
    if not chosen:
        raise NoCases(f"none of {len(cases)} cases is in the part {part!r}; try --part all")
    return chosen[:limit] if limit else chosen


def _respond(args: argparse.Namespace) -> Respond:
    if args.engine == "none":
        return partial(engine, playbooks=playbooks())
    try:
        from steadyhand.evaluation.claude import Claude, Price  # noqa: PLC0415 - tools need the demo's packages
        from steadyhand.evaluation.command import Command  # noqa: PLC0415 - the same
    except ImportError as error:
        raise NoEngine(f"tools over cases need {error.name}: pip install 'steadyhand[demo]'") from error
    for chatty in ("mcp", "alembic"):  # each look, and each step of each case's own store, would be told
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if args.engine == "command":
        return Command(args.command, args.deadline, playbooks())
    return Claude(args.model, args.deadline, playbooks(), Price(*args.price) if args.price else None)
