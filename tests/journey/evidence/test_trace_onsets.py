"""When a call began to be slow, as sampled spans tell it: a usual one among slow ones proves little."""

from datetime import UTC, datetime, timedelta

from steadyhand.journey.evidence.model import Span
from steadyhand.journey.evidence.traces import span_changes

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEGAN = 60


def _span(second: int, duration_ms: float) -> Span:
    at = START + timedelta(seconds=second)
    return Span(
        trace=f"{second:032x}",
        id=f"{second:016x}",
        service="till",
        operation="pay",
        start=at,
        duration_ms=duration_ms,
    )


def _interval(every: int) -> tuple[float, float]:
    """From when to when it began, in seconds, where since `BEGAN` each so many-th span is slow."""
    calm = [_span(second, 10 + second % 3) for second in range(BEGAN - 20)]
    since = [_span(second, 12) for second in range(BEGAN - 20, BEGAN)]
    since += [_span(BEGAN + n, 900 if n % every == every - 1 else 12) for n in range(60)]
    (found,) = span_changes(calm, since)
    assert found.usual is not None
    assert found.first is not None
    return (found.usual - START).total_seconds(), (found.first - START).total_seconds()


def test_where_all_are_slow_since_the_last_usual_one_dates_it() -> None:
    assert _interval(1) == (BEGAN - 1, BEGAN)


def test_where_only_some_are_slow_usual_ones_just_before_the_first_prove_nothing() -> None:
    early, late = _interval(5)
    assert late == BEGAN + 4
    assert BEGAN - 20 < early < BEGAN


def test_the_fewer_are_slow_the_wider_is_the_interval() -> None:
    widths = [late - early for early, late in map(_interval, (1, 2, 3, 5))]
    assert widths == sorted(set(widths))
