"""`steadyhand audit` and `steadyhand report`: what happened, and whether the record still holds."""

import getpass
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steadyhand.adapters.channels.terminal import plain
from steadyhand.adapters.checkpoints.file import NAME
from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.store import the_store
from steadyhand.config import home
from steadyhand.journey.audit.proof import SERVICE, Auditor, find_problem, forgery, is_key
from steadyhand.journey.commands import Record
from steadyhand.journey.memory.erase import without
from steadyhand.journey.report.held import at_of
from steadyhand.journey.report.markdown import markdown
from steadyhand.ports import ConfigError
from steadyhand.responder.reporting import report_of
from steadyhand.responder.views import view
from steadyhand.store import Transaction
from steadyhand.wiring import PUBLIC_KEYS

Point = dict[str, Any]
_ALL_CASES = 100_000


@dataclass(frozen=True, slots=True)
class Asked:
    """How a trail is to be verified."""

    checkpoints: tuple[Path, ...] = ()
    keys: tuple[str, ...] = ()
    start: str = ""


def show(incident: str, config: Path | None = None) -> int:
    """Print the lines of the trail, all or of one incident. Raises ConfigError for one it never names."""
    with the_store(config).read() as tx:
        rows = tx.trail(incident)
        if incident and not rows:
            raise ConfigError(f"no row of the trail is about an incident {incident!r}: steadyhand incidents")
        for one in rows:
            facts = " ".join(f"{key}={value!r}" for key, value in one.body.items())
            who = f"{plain(one.actor)} ({one.via})"
            sys.stdout.write(f"{one.seq:>5} {at_of(one):%Y-%m-%d %H:%M:%S} {who} {one.action} {facts}\n")
    return 0


def verify(asked: Asked, config: Path | None = None) -> int:
    """Say whether the trail holds, rows and checkpoints; 1 when it was tampered with.

    Raises ConfigError for a file that is not there, and for a key that is none.
    """
    lost = next((one for one in asked.checkpoints if not one.is_file()), None)
    if lost is not None:
        raise ConfigError(f"--checkpoints {lost}: there is no such file")
    strange = next((one for one in asked.keys if not is_key(one)), None)
    if strange is not None:
        raise ConfigError(f"--key {strange}: a public key is 64 hexadecimal digits, as audit.pub holds them")
    keys = asked.keys or _lines(home() / PUBLIC_KEYS)
    points = [point for path in asked.checkpoints or (home() / NAME,) for point in _points(path)]
    with the_store(config).read() as tx:
        problem = _forged(points, keys) or _problem(tx, points, _start(asked.start, points, keys))
        holds = _holds(tx, points)
    sys.stdout.write(f"TAMPERED: {problem}\n" if problem else holds)
    return 1 if problem else 0


def _forged(points: Sequence[Point], keys: Sequence[str]) -> str:
    """The first checkpoint that none of the known keys has signed."""
    for one in points:
        faults = [forgery(one, key) for key in keys] or [forgery(one)]
        if all(faults):
            return faults[0]
    return ""


def _problem(tx: Transaction, points: Sequence[Point], start: Point | None) -> str:
    if start is None:
        return find_problem(tx.audit.rows(), points)
    # What the start vouches for is believed: heads of all chains come from the joints before it.
    trusted = Auditor(whole=False)
    before = (one for one in tx.audit.rows(SERVICE) if one["seq"] <= start["seq"])
    problem = find_problem(before, [start], trusted)
    rest = [one for one in points if one["seq"] > start["seq"]]
    heads = trusted.heads | trusted.joined
    return problem or find_problem(
        tx.audit.rows(after=start["seq"]), rest, Auditor(whole=True, heads=heads, seq=start["seq"])
    )


def _start(wanted: str, points: Sequence[Point], keys: Sequence[str]) -> Point | None:
    """The checkpoint to begin at: by its row, or in a file of its own. Raises ConfigError."""
    if not wanted:
        return None
    own = _points(Path(wanted)) if Path(wanted).is_file() else []
    found = own or [one for one in points if str(one.get("seq")) == wanted]
    if not found:
        raise ConfigError(f"{wanted} is neither a file with a checkpoint nor the row of a known one")
    forged = _forged(found, keys)
    if forged:
        raise ConfigError(f"{wanted}: {forged}")
    return found[-1]


def _holds(tx: Transaction, points: Sequence[Point]) -> str:
    rows, head = 0, "none"
    for one in tx.audit.rows(after=max((one["seq"] for one in points), default=1) - 1):
        rows, head = one["seq"], one["hash"]
    if not points:
        sealed = "No checkpoint: a tail that was cut off would not show."
    else:
        last = max(one["seq"] for one in points)
        sealed = f"{len(points)} checkpoints, the last at row {last}; {rows - last} rows after it."
    return f"The trail holds: {rows} rows, head {head}.\n{sealed}\n"


def erase(name: str, config: Path | None = None) -> int:
    """Make the trail's rows about a person, and placeholders of an address, mean nobody; forget the name.

    Raises ConfigError for what neither the trail, nor a vault, nor a remembered case holds.
    """
    if not name:
        raise ConfigError("whose name? steadyhand audit erase NAME")
    record = Record(action="person.erased", actor=getpass.getuser(), actor_kind="human", via="terminal")
    with the_store(config).write() as tx:
        cases, emptied, now = _erase_from_memory(tx, name), tx.vault.erase(name), SystemClock().now()
        if not tx.audit.erase(name, record, now) and not cases:
            if not emptied:
                raise ConfigError(f"no row of the trail names {name}, no remembered case, no placeholder")
            tx.record(SERVICE, record.model_copy(update={"body": {"incidents": str(emptied)}}), now)
    sys.stdout.write(
        f"{name} stands in no row of the trail any more, and it still holds; the name was taken out of "
        f"{cases} remembered case(s), and placeholders of {emptied} incident(s) mean nobody now. What else "
        "the store keeps of an incident goes with the retention rule.\n"
    )
    return 0


def _erase_from_memory(tx: Transaction, name: str) -> int:
    """How many remembered cases held the name."""
    changed = [after for one in tx.cases(_ALL_CASES) if (after := without(name, one)) != one]
    for one in changed:
        tx.keep_case(one)
    return len(changed)


def report(incident: str, config: Path | None = None) -> int:
    """Print the report as it stands."""
    with the_store(config).read() as tx:
        sys.stdout.write(markdown(report_of(view(tx, incident))))
    return 0


def _points(path: Path) -> list[Point]:
    """The checkpoints in a file, one a line. Raises ConfigError for a line that is none."""
    try:
        return [json.loads(one) for one in _lines(path)]
    except ValueError as error:
        raise ConfigError(f"{path} does not hold a checkpoint on each line: {error}") from error


def _lines(path: Path) -> tuple[str, ...]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return tuple(one for one in text.splitlines() if one.strip())
