"""The statements of MariaDB and MySQL that took the most time lately, from its counters or its slow log."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from steadyhand.adapters.databases import mysql_queries as queries
from steadyhand.adapters.databases.mysql_link import Link
from steadyhand.adapters.databases.mysql_text import mask, of_application
from steadyhand.journey.evidence.model import Statement

_MOST = 10


@dataclass(frozen=True, slots=True)
class Known:
    """A statement with a text that can be planned; a digest's has `?` for each value."""

    text: str
    told: Statement
    recent: bool
    digest: bool

    @property
    def spent_ms(self) -> float:
        """All the time it took."""
        return self.told.calls * self.told.mean_ms


def slowest(known: Sequence[Known]) -> list[Known]:
    """Those that ran lately, the costliest first."""
    return sorted((one for one in known if one.recent), key=lambda one: -one.spent_ms)[:_MOST]


def counted(link: Link, at: datetime, recent: timedelta) -> Sequence[Known]:
    """From performance_schema. Raises SourceError."""
    return [
        Known(
            text=text,
            told=Statement(
                query=mask(text),
                calls=calls,
                mean_ms=float(mean),
                max_ms=float(most),
                rows_read=float(rows),
                first_seen=datetime.fromtimestamp(float(first), UTC),
            ),
            digest=True,
            recent=float(last) >= (at - recent).timestamp(),
        )
        for text, calls, mean, most, rows, first, last in link.rows(queries.DIGESTS)
        if of_application(text)
    ]


def logged(link: Link, recent: timedelta) -> Sequence[Known]:
    """From the slow log, where it is kept in a table. Raises SourceError."""
    alike: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for text, took_ms, rows in link.rows(queries.SLOW_LOG, recent.total_seconds()):
        alike[mask(text)].append((text, float(took_ms), float(rows)))
    return [
        Known(
            text=found[0][0],
            told=Statement(
                query=query,
                calls=len(found),
                mean_ms=sum(took for _, took, _ in found) / len(found),
                max_ms=max(took for _, took, _ in found),
                rows_read=sum(rows for _, _, rows in found) / len(found),
            ),
            recent=True,
            digest=False,
        )
        for query, found in alike.items()
        if of_application(query)
    ]
