"""Counter, gauge or part of a histogram: told from names and values, as range queries carry no types."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from steadyhand.journey.evidence import roles
from steadyhand.journey.evidence.model import Series

Kind = Literal["bucket", "sum", "counter", "gauge", "skip"]
_RESTART_SHARE = 0.1


class Families:
    """What kind each metric name is, told from the names and values of all series."""

    def __init__(self, series: Sequence[Series]) -> None:
        names = {one.name for one in series}
        buckets = {one.name for one in series if one.name.endswith("_bucket") and "le" in one.labels}
        bases = {name.removesuffix("_bucket") for name in buckets}
        self.with_buckets = frozenset(bases)
        self._buckets = buckets
        self._sums = {name for name in names if name.endswith("_sum") and f"{name[:-4]}_count" in names}
        self.answers = {f"{name[:-4]}_count" for name in self._sums} | {f"{base}_count" for base in bases}
        self._falling = {one.name for one in series if roles.is_event(one.name) and _falls(one.values)}

    def kind(self, name: str) -> Kind:
        """How to read the series of this name."""
        if roles.skipped(name):
            return "skip"
        if name in self._buckets:
            return "bucket"
        if name in self._sums:
            return "sum"
        if name.endswith("_total") or name in self.answers:
            return "counter"
        return "counter" if roles.is_event(name) and name not in self._falling else "gauge"


def _falls(values: Sequence[float]) -> bool:
    """Whether it ever falls by less than a restart would make it fall."""
    return any(now < before and now > _RESTART_SHARE * before for before, now in pairwise(values))
