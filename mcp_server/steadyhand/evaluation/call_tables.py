"""Tables of calls by buckets of a few seconds: how often, how slow, and how long on the way."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from steadyhand.evaluation.pages import slug
from steadyhand.evaluation.tables import rows
from steadyhand.journey.evidence.bearings.observed import Calls

Row = Mapping[str, str]
Call = tuple[str, str, str]
_TIMES = ("p50_us", "p95_us", "max_us")
_CLIENT = "HTTP "  # as OpenTelemetry named the spans of HTTP clients, after their method


@dataclass(frozen=True)
class _Counted:
    """Of one operation along one arrow: how many calls, its slow ones, and the time on the way, in us."""

    many: float = 0.0
    slow: float = 0.0
    way: float | None = None


def read_calls(before: Path | None, own: Path, since_at: float, until: float) -> Iterator[Calls]:
    """Each operation along each arrow, calm and since; nothing where either side was not recorded."""
    calm = _counted(rows(before))
    mine = list(rows(own))
    since = _counted(row for row in mine if since_at < float(row["t"]) <= until)
    if not since:
        return
    earlier = _counted(row for row in mine if float(row["t"]) <= since_at)
    for key in sorted(set(calm or earlier) | set(since)):
        old, now = (calm or earlier).get(key, _Counted()), since.get(key, _Counted())
        yield Calls(
            *key[:2],
            calm=old.many,
            since=now.many,
            calm_slow=old.slow,
            since_slow=now.slow,
            lately=earlier.get(key, _Counted()).many if calm else 0.0,
            calm_way=old.way,
            since_way=now.way,
        )


def _counted(found: Iterable[Row]) -> dict[Call, _Counted]:
    """Counts, the median of the slow calls of each bucket, and of the time they spent on the way."""
    known = list(found)
    counts: Counter[Call] = Counter()
    slow: dict[Call, list[float]] = defaultdict(list)
    for row in known:
        counts[_call(row)] += int(float(row["n"]))
        slow[_call(row)].append(float(row["p95_us"]))
    ways = _ways(known)
    return {
        key: _Counted(float(counts[key]), median(slow[key]), median(ways[key]) if key in ways else None)
        for key in counts
    }


def _call(row: Row) -> Call:
    return slug(row["caller"]), slug(row["service"]), row["op"]


def _ways(found: Iterable[Row]) -> dict[Call, list[float]]:
    """By bucket how much longer a caller waited for an answer than any of those it asked took to give it."""
    buckets: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in found:
        buckets[row["t"], row["caller"]].append(row)
    out: dict[Call, list[float]] = defaultdict(list)
    for (_, caller), mine in buckets.items():
        asked = [row for row in mine if row["service"] != caller]
        waited = [row for row in mine if row["service"] == caller]
        for row in asked:
            if (gap := _longest(row, asked, waited)) is not None:
                out[_call(row)].append(gap)
    return out


def _longest(row: Row, asked: Sequence[Row], waited: Sequence[Row]) -> float | None:
    """The longest wait that no answer explains; of its own operation where the client's span bears its name.

    None where no span of a client is there.
    """
    own = [one for one in waited if _name(one) == _name(row)]
    clients = own or [one for one in waited if one["op"].startswith(_CLIENT)]
    answers = [float(one[time]) for one in ([row] if own else asked) for time in _TIMES]
    return max((_beyond(float(one["max_us"]), answers) for one in clients), default=None)


def _beyond(waited: float, answers: Iterable[float]) -> float:
    """How much longer than the longest answer that fits into it."""
    return waited - max((one for one in answers if one <= waited), default=0.0)


def _name(row: Row) -> str:
    """An operation without what its framework puts before it."""
    return row["op"].lstrip("/").removeprefix("grpc.")
