"""The store: samples of every series, in memory, for a bounded time. Times are unix milliseconds."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from steadyhand.lab.miniprom.labels import NAME, Labels, without_name

LOOKBACK_MS = 300_000
RETENTION_MS = 30 * 60_000


class Series:
    """The samples of one label set in order of time, and the instants at which it ended."""

    __slots__ = ("bare", "ends", "labels", "tags", "times", "values")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.bare = without_name(labels)
        self.tags = dict(labels)
        self.times = array("q")
        self.values = array("d")
        self.ends: list[int] = []

    def append(self, at: int, value: float) -> None:
        """Add a sample; one that is not newer than the last is dropped, as Prometheus does."""
        if self.times and at <= self.times[-1]:
            return
        self.times.append(at)
        self.values.append(value)

    def end(self, at: int) -> None:
        """Say that the series was gone at this instant: from here on it has no current value."""
        self.ends.append(at)

    def latest(self, at: int) -> float | None:
        """Return the value at an instant: the last sample within 5 minutes, unless the series ended."""
        index = bisect_right(self.times, at) - 1
        if index < 0 or self.times[index] < at - LOOKBACK_MS:
            return None
        if self.ends and self._ended_within(self.times[index], at):
            return None
        return self.values[index]

    def between(self, low: int, high: int) -> tuple[Sequence[int], Sequence[float]]:
        """Return times and values of the samples from `low` to `high`, both included."""
        first, last = bisect_left(self.times, low), bisect_right(self.times, high)
        return self.times[first:last], self.values[first:last]

    def has_samples(self, low: float, high: float) -> bool:
        """Tell whether any sample lies from `low` to `high`, both included."""
        index = bisect_left(self.times, low)
        return index < len(self.times) and self.times[index] <= high

    def forget(self, before: int) -> None:
        """Drop everything older than `before`."""
        gone = bisect_left(self.times, before)
        del self.times[:gone], self.values[:gone]
        del self.ends[: bisect_left(self.ends, before)]

    def _ended_within(self, after: int, at: int) -> bool:
        index = bisect_right(self.ends, at) - 1
        return index >= 0 and self.ends[index] > after


class Store:
    """All series, found by metric name."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[Labels, Series]] = {}

    def append(self, labels: Labels, at: int, value: float) -> None:
        """Add one sample to the series of these labels."""
        named = self._by_name.setdefault(dict(labels).get(NAME, ""), {})
        series = named.get(labels)
        if series is None:
            series = named[labels] = Series(labels)
        series.append(at, value)

    def end(self, labels: Labels, at: int) -> None:
        """End the series of these labels, when there is one."""
        series = self._by_name.get(dict(labels).get(NAME, ""), {}).get(labels)
        if series is not None:
            series.end(at)

    def named(self, name: str) -> Iterator[Series]:
        """Return the series of one metric."""
        return iter(self._by_name.get(name, {}).values())

    def every(self) -> Iterator[Series]:
        """Return all series."""
        return (series for named in self._by_name.values() for series in named.values())

    def forget(self, before: int) -> None:
        """Drop samples older than `before`, and series that have none left."""
        for name, named in list(self._by_name.items()):
            for labels, series in list(named.items()):
                series.forget(before)
                if not series.times:
                    del named[labels]
            if not named:
                del self._by_name[name]
