"""A signal: what a tired engineer would have put on a dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass

from steadyhand.journey.evidence.grid import Grid, Track, is_whole, lead
from steadyhand.journey.evidence.model import Role
from steadyhand.journey.evidence.roles import Bad, bad_direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One series worth judging, added up over replicas.

    `values` is what the screen judges; `fine` is the same less smoothed, for dating. Both have one
    number per instant of `times` (unix seconds); instants without data are left out. `answers` tells
    of a share of how many answers each value is, where that is known; `origin` who was asked for it.
    """

    metric: str
    name: str
    entity: str
    role: Role
    unit: str
    labels: Mapping[str, str]
    target: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    fine: tuple[float, ...]
    smoothing: float
    limit: float | None = None
    counted: bool = False
    answers: tuple[float, ...] = ()
    origin: str = ""

    @property
    def bad(self) -> Bad:
        """In which direction it is worth a look."""
        return bad_direction(self.role, self.metric)

    @property
    def shown_labels(self) -> str:
        """The labels as one reads them, e.g. "route=/orders"."""
        return ",".join(f"{name}={value}" for name, value in sorted(self.labels.items()))


@dataclass(frozen=True, slots=True)
class Subject:
    """What all signals made of one group of series share."""

    metric: str
    entity: str
    labels: Mapping[str, str]
    target: str
    grid: Grid
    origin: str = ""

    def signal(
        self,
        name: str,
        role: Role,
        unit: str,
        values: Track,
        *,
        fine: Track | None = None,
        smoothing: float = 0.0,
        counted: bool = False,
        answers: Track | None = None,
    ) -> Signal:
        """The signal these tracks make; `fine` is `values` unless said otherwise."""
        times, kept, detail, of = _known(self.grid.times(), values, fine or values, answers or values)
        return Signal(
            metric=self.metric,
            name=name,
            entity=self.entity,
            role=role,
            unit=unit,
            labels=self.labels,
            target=self.target,
            times=times,
            values=kept,
            fine=detail,
            smoothing=smoothing,
            counted=counted,
            answers=of if answers else (),
            origin=self.origin,
        )


_Row = tuple[float, ...]


def _known(times: _Row, values: Track, fine: Track, answers: Track) -> tuple[_Row, _Row, _Row, _Row]:
    """All four at the instants where each has a number."""
    start = max(map(lead, (values, fine, answers)))
    late = [values[start:]]
    late += [late[0] if one is values else one[start:] for one in (fine, answers)]
    if all(is_whole(one) for one in {id(one): one for one in late}.values()):
        return times[start:], *map(tuple, late)  # type: ignore[return-value] # no None in them
    rows = [
        (at, value, detail, of)
        for at, value, detail, of in zip(times, values, fine, answers, strict=True)
        if value is not None and detail is not None and of is not None
    ]
    first, second, third, fourth = zip(*rows, strict=True) if rows else ((), (), (), ())
    return first, second, third, fourth
