"""The series of a case behind the port that metrics tools ask, in PromQL; its spans behind that of traces."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from steadyhand.adapters.traces.sampled import edges_from
from steadyhand.journey.evidence.chosen_traces import inside, picked, traced_of
from steadyhand.journey.evidence.model import Series, Span, SpanReport, Traced, Window
from steadyhand.journey.seen import CallEdge
from steadyhand.lab.miniprom.evaluate.engine import Evaluation
from steadyhand.lab.miniprom.evaluate.parse import parse_expr
from steadyhand.lab.miniprom.evaluate.plan import BadQuery, EvaluationError, NotCovered
from steadyhand.lab.miniprom.labels import NAME, labels_from
from steadyhand.lab.miniprom.ranges import evaluate_range
from steadyhand.lab.miniprom.samples import Store
from steadyhand.ports import SourceError

_MS = 1000


class HeldMetrics:
    """A MetricSource over series of a case, evaluated as the lab's Prometheus does."""

    name = "case"

    def __init__(self, series: Sequence[Series]) -> None:
        self._series = series

    @cached_property
    def _store(self) -> Store:
        store = Store()
        for one in self._series:
            labels = labels_from({**one.labels, NAME: one.name})
            for at, value in zip(one.times, one.values, strict=True):
                store.append(labels, int(at * _MS), value)
        return store

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        """The expression over the window. Raises SourceError for what is no PromQL we evaluate."""
        first, last = (int(at.timestamp() * _MS) for at in (window.start, window.end))
        every = range(first, last + 1, max(int(step.total_seconds() * _MS), 1))
        try:
            tracks = await evaluate_range(Evaluation(self._store), parse_expr(selector), every)
        except (BadQuery, NotCovered, EvaluationError, TimeoutError) as error:
            raise SourceError(self.name, f"{selector!r}: {error}") from error
        return [
            Series(
                name=dict(labels).get(NAME, selector),
                labels={key: text for key, text in labels if key != NAME},
                times=tuple(at / _MS for at, _ in track),
                values=tuple(value for _, value in track),
            )
            for labels, track in sorted(tracks.items())
        ]

    async def value(self, expression: str, at: datetime) -> float | None:
        """The expression at one instant; None where it has no value. Raises SourceError."""
        found = await self.series(expression, Window(start=at, end=at), timedelta(seconds=1))
        return found[0].values[-1] if found else None


class HeldTraces:
    """A TraceSource over spans of a case."""

    name = "case"

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """Who called whom in the window."""
        return edges_from(self.report((), window, len(self._spans)), self.name)

    async def spans(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        """Traces of the window that pass one of `services` (empty: any), failed ones first."""
        return self.report(services, window, most)

    def report(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        """The same at once."""
        return picked(inside(self._spans, window), services, window, most, self.name)

    def traced(self, calm: Window, since: Window, most: int) -> tuple[Traced, ...]:
        """What the calm part saw and what came since, as the evidence page takes it; none without spans."""
        return traced_of(self.name, self._spans, calm, since, most)
