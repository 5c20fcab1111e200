"""From what the caller names to cases: a folder of one of the known layouts, or generated worlds."""

from collections.abc import Iterator
from pathlib import Path

from steadyhand.evaluation import capsules, commit_set, metric_sets
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.errors import NoCases
from steadyhand.evaluation.worlds.generate import DRAWN, generated

_CALM_WINDOWS = 30  # fault-free ones of each set


def find_cases(data: str) -> tuple[Case, ...]:
    """All cases that `data` names. Raises NoCases where there is none, BadCase where one cannot be read."""
    drawn, colon, asked = data.partition(":")
    if colon and drawn in DRAWN:
        return _made(drawn, asked)
    if not Path(data).is_dir():
        words = " or ".join(f"{one}:120" for one in sorted(DRAWN))
        raise NoCases(f"{data}: there is no such folder; name one with cases, or {words}")
    found = tuple(_in_folder(Path(data)))
    if not found:
        raise NoCases(f"{data}: no case here; a case is a folder with case.json or capsule.json")
    return (*found, *metric_sets.calm_cases(Path(data), _CALM_WINDOWS))


def _made(drawn: str, asked: str) -> tuple[Case, ...]:
    many, _, seed = asked.partition(":")
    try:
        wanted = int(many), int(seed or 1)
    except ValueError as error:
        raise NoCases(f"{drawn}:{asked}: write it like {drawn}:120 or {drawn}:120:7") from error
    if wanted[0] < 1:
        raise NoCases(f"{drawn}:{asked}: not one case is asked for")
    return generated(*wanted, drawn)


def _in_folder(root: Path) -> Iterator[Case]:
    for path in sorted(root.rglob("case.json")):
        if metric_sets.is_case(path):
            yield metric_sets.read_case(path.parent)
        elif (path.parent / "context/commits.json").is_file():
            yield commit_set.read_case(path.parent)
    for path in sorted(root.rglob("capsule.json")):
        yield capsules.read_case(path.parent)
