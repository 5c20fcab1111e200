"""A signal: what a tired engineer would have put on a dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass

from steadyhand.journey.evidence.grid import Grid, Track
from steadyhand.journey.evidence.model import Role
from steadyhand.journey.evidence.roles import Bad, bad_direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One series worth judging, added up over replicas.

    `values` is what the screen judges; `fine` is the same less smoothed, for dating. Both have one
    number per instant of `times` (unix seconds); instants without data are left out.
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

    def signal(
        self,
        name: str,
        role: Role,
        unit: str,
        values: Track,
        *,
        fine: Track | None = None,
        smoothing: float = 0.0,
        limit: float | None = None,
        counted: bool = False,
    ) -> Signal:
        """The signal these tracks make; `fine` is `values` unless said otherwise."""
        known = [
            (at, value, detail)
            for at, value, detail in zip(self.grid.times(), values, fine or values, strict=True)
            if value is not None and detail is not None
        ]
        return Signal(
            metric=self.metric,
            name=name,
            entity=self.entity,
            role=role,
            unit=unit,
            labels=self.labels,
            target=self.target,
            times=tuple(at for at, _, _ in known),
            values=tuple(value for _, value, _ in known),
            fine=tuple(detail for _, _, detail in known),
            smoothing=smoothing,
            limit=limit,
            counted=counted,
        )
