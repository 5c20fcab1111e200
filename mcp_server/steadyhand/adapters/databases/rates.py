"""Two readings of cumulative counters become rates; sessions and counters become the statements that run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from steadyhand.adapters.databases.statements import mask
from steadyhand.journey.evidence.model import Session, TableLoad

_RECENT_S = 60  # an idle session's last statement is news for this long


@dataclass(frozen=True, slots=True)
class Activity:
    """A session of this or another database, and its statement as it was written."""

    session: Session
    statement: str
    statement_ms: float
    here: bool


@dataclass(frozen=True, slots=True)
class TableCount:
    """A table's cumulative counters at one instant of the server's clock."""

    schema: str
    relation: str
    visible: bool
    rows: int
    seq_scans: int
    seq_rows: int
    index_scans: int
    at_s: float

    @property
    def shown(self) -> str:
        """Its name, with the schema where the name alone does not find it."""
        return self.relation if self.visible else f"{self.schema}.{self.relation}"


@dataclass(frozen=True, slots=True)
class StatementCount:
    """A statement's cumulative counters."""

    text: str
    calls: int
    spent_ms: float


@dataclass(frozen=True, slots=True)
class Running:
    """A statement that runs now, its average time and how often it ran, where counted."""

    text: str
    mean_ms: float
    calls: int | None
    weight_ms: float


def table_loads(before: Mapping[int, TableCount], after: Mapping[int, TableCount]) -> Iterator[TableLoad]:
    """Rates of every table seen twice, the most read first."""
    pairs = [(before[key], now) for key, now in after.items() if key in before]
    for old, new in sorted(pairs, key=lambda pair: pair[0].seq_rows - pair[1].seq_rows):
        seconds = max(new.at_s - old.at_s, 0.001)
        yield TableLoad(
            table=new.shown,
            rows=new.rows,
            seq_scans_per_s=max(0, new.seq_scans - old.seq_scans) / seconds,
            seq_rows_per_s=max(0, new.seq_rows - old.seq_rows) / seconds,
            index_scans_per_s=max(0, new.index_scans - old.index_scans) / seconds,
        )


def running(
    active: Sequence[Activity], before: Mapping[int, StatementCount], after: Mapping[int, StatementCount]
) -> list[Running]:
    """Statements of this database that ran during the look, the costliest first, each once."""
    found: dict[str, Running] = {}
    for one in (*_counted(before, after), *_seen(active)):
        known = found.get(mask(one.text))
        if known is None or (known.calls is None and one.weight_ms > known.weight_ms):
            found[mask(one.text)] = one
    return sorted(found.values(), key=lambda one: one.weight_ms, reverse=True)


def _counted(before: Mapping[int, StatementCount], after: Mapping[int, StatementCount]) -> Iterator[Running]:
    for key, now in after.items():
        old = before.get(key, StatementCount(now.text, 0, 0.0))
        calls, spent_ms = now.calls - old.calls, now.spent_ms - old.spent_ms
        if calls > 0:
            yield Running(now.text, spent_ms / calls, now.calls, spent_ms)


def _seen(active: Sequence[Activity]) -> Iterator[Running]:
    for one in active:
        recent = one.session.state == "active" or one.session.state_s < _RECENT_S
        if one.here and recent and one.statement:
            yield Running(one.statement, one.statement_ms, None, one.statement_ms)
