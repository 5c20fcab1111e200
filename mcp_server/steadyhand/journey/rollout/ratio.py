"""How many times as often an event happens in the canary arm as in the control, readable at every tick.

Given all events of a tick, the canary's part of them is Binomial with theta(r) = n_c r / (n_c r + n_b) when
the canary's event rate is r times the control's; whatever moves both arms alike cancels. Summed over ticks
and mixed over a prior of ratios this is a test martingale, so by Ville's inequality the interval holds the
true ratio at all ticks together with probability 1 - alpha: looking often costs nothing.

Sources: Lindon & Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022);
Howard & Ramdas, "Sequential estimation of quantiles ..." (Bernoulli 28(3), 2022)
for the use of Ville's bound.
"""

from collections.abc import Iterable
from math import exp, inf, lgamma, log, log1p
from operator import add
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Value

Sided = Literal["one", "two"]

_EQUAL = 80  # the grid point that is "no change"; it must be 1.0 to the last bit
_LAST = 160
_BISECTIONS = 50
GRID = tuple(1.0 if i == _EQUAL else exp(log(0.01) + log(1e4) * i / _LAST) for i in range(_LAST + 1))
_LOG_GRID = tuple(log(ratio) for ratio in GRID)


def _log_sum_exp(terms: Iterable[float]) -> float:
    known = tuple(terms)
    top = max(known)
    return top + log(sum(exp(term - top) for term in known))


def _prior(sided: Sided) -> tuple[float, ...]:
    """Double-exponential around "no change"; the one-sided one has (next to) no mass below it."""
    weights = tuple(
        -50.0 if sided == "one" and i < _EQUAL else -abs(log_ratio) / 2
        for i, log_ratio in enumerate(_LOG_GRID)
    )
    total = _log_sum_exp(weights)
    return tuple(weight - total for weight in weights)


_PRIORS: dict[Sided, tuple[float, ...]] = {"one": _prior("one"), "two": _prior("two")}


class RatioSequence(Value):
    """Confidence sequence for the ratio canary/control of one event's rates."""

    log_likelihood: tuple[float, ...] = Field(
        default=(0.0,) * len(GRID),
        min_length=len(GRID),
        max_length=len(GRID),
        description="Of each ratio of the grid, 0.01 to 100.",
    )

    def add(
        self,
        canary_requests: int,
        canary_events: int,
        stable_requests: int,
        stable_events: int,
    ) -> "RatioSequence":
        """The sequence after one more tick; counts are those of the tick alone.

        A tick without requests in both arms, or without any event, tells nothing and changes nothing.
        """
        events = canary_events + stable_events
        if canary_requests <= 0 or stable_requests <= 0 or events <= 0:
            return self
        odds = canary_requests / stable_requests
        log_odds = log(odds)
        after = tuple(
            known + canary_events * (log_odds + log_ratio) - events * log1p(odds * ratio)
            for known, ratio, log_ratio in zip(self.log_likelihood, GRID, _LOG_GRID, strict=True)
        )
        return RatioSequence(log_likelihood=after)

    def bounds(self, alpha: float, sided: Sided, phi: float = 1) -> tuple[float, float]:
        """The ratios not ruled out at level `alpha` in (0, 1): nearest refuted grid points, else 0 and inf.

        The evidence is divided by the dispersion `phi`, 1 (independent events) to inf (nothing is known of
        it, nothing is ruled out). The one-sided prior serves the question "worse?" alone: its upper bound
        means nothing.
        """
        evidence = [known / phi for known in self.log_likelihood]
        mixture = _log_sum_exp(map(add, evidence, _PRIORS[sided]))
        least = mixture - log(1 / alpha)
        kept = [i for i, known in enumerate(evidence) if known > least]
        lower = GRID[kept[0] - 1] if kept[0] > 0 else 0.0
        upper = GRID[kept[-1] + 1] if kept[-1] < _LAST else inf
        return lower, upper


def rate_upper(events: float, requests: float, alpha: float) -> float:
    """Upper bound of one arm's own event rate, valid at every tick with probability 1 - alpha.

    Mixture over a Beta(1/2, 1/2) prior, same argument as above. Both counts are divided by phi beforehand.
    """
    if events >= requests:
        return 1.0
    mixture = _log_beta(events + 0.5, requests - events + 0.5) - _log_beta(0.5, 0.5)
    low, high = events / requests, 1.0
    for _ in range(_BISECTIONS):
        rate = (low + high) / 2
        likelihood = events * log(rate) + (requests - events) * log1p(-rate)
        low, high = (rate, high) if mixture - likelihood < log(1 / alpha) else (low, rate)
    return high


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
