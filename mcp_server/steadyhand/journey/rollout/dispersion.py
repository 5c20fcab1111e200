"""How bursty one arm's events are. Retries or one sick client make errors come together, which is no proof.

The events of n ticks are compared with what the same rate per request would have given in each: Pearson's
chi-square over its n - 1 degrees of freedom, about 1 for independent events, the mean size of a burst and
more for bursts. Evidence is divided by it. A tick with more requests may have more events, so that changing
traffic does not count as a burst.

Sources: McCullagh & Nelder, "Generalized Linear Models" (1989), section 4.5;
Wilson & Hilferty, "The distribution of chi-square" (PNAS 17, 1931).
"""

from math import inf, sqrt

from pydantic import Field

from steadyhand.journey.rule import Value

_Z80 = 0.8416


class Dispersion(Value):
    """What has to be remembered of an arm's ticks to know the dispersion of one kind of event."""

    ticks: int = Field(default=0, ge=0, description="Ticks in which the event could have happened.")
    trials: int = Field(default=0, ge=0, description="Requests in them that could have been such an event.")
    events: int = Field(default=0, ge=0)
    squares: float = Field(default=0.0, ge=0, description="Sum over ticks of events squared by trials.")

    def add(self, trials: int, events: int) -> "Dispersion":
        """The same after one more tick, whose own counts these are; without trials nothing changes."""
        if trials <= 0:
            return self
        return Dispersion(
            ticks=self.ticks + 1,
            trials=self.trials + trials,
            events=self.events + events,
            squares=self.squares + events * events / trials,
        )

    @property
    def estimate(self) -> float:
        """The dispersion, at least 1; inf when one tick is all that is known of the events."""
        return max(1.0, self._by_freedom)

    @property
    def upper(self) -> float:
        """Its upper 80 % bound, wide after few ticks: they may not have shown a burst yet."""
        spread = 2 / (9 * max(self.ticks - 1, 1))
        least_chi_square = (1 - spread - _Z80 * sqrt(spread)) ** 3
        return max(1.0, self._by_freedom / least_chi_square)

    @property
    def _by_freedom(self) -> float:
        """Pearson's chi-square by its degrees of freedom; 0 when none or all had the event."""
        if not 0 < self.events < self.trials:
            return 0.0
        if self.ticks == 1:
            return inf
        rate = self.events / self.trials
        return (self.squares / rate - self.events) / (1 - rate) / (self.ticks - 1)
