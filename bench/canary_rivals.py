"""What else one could do with a canary's figures: each says whether it would take the canary back in time."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import sqrt

from canary_traffic import Second, plus


def over_one_percent(used: Sequence[Second]) -> bool:
    """Fixed threshold: more than 1 % errors at the end."""
    canary, _ = totals(used)[-1]
    return canary.errors > 0.01 * canary.requests


def over_twice_control(used: Sequence[Second]) -> bool:
    """Threshold against the control: more than twice its error rate at the end."""
    canary, stable = totals(used)[-1]
    return canary.errors * stable.requests > 2 * stable.errors * canary.requests


def z_once(used: Sequence[Second]) -> bool:
    """Two-proportion z-test, one-sided at 1 %, once at the end."""
    return z_score(totals(used)[-1]) > 2.326


def z_peeked(used: Sequence[Second]) -> bool:
    """The same test, read each second."""
    return any(z_score(so_far) > 2.326 for so_far in totals(used))


def totals(used: Sequence[Second]) -> list[Second]:
    """The sums after each second."""
    canary, stable = (
        accumulate((one.canary for one in used), plus),
        accumulate((one.stable for one in used), plus),
    )
    return [Second(*both) for both in zip(canary, stable, strict=True)]


def z_score(so_far: Second) -> float:
    """Pooled two-proportion z; 0 where nothing can be said."""
    canary, stable = so_far
    requests = canary.requests + stable.requests
    pooled = (canary.errors + stable.errors) / requests if requests else 0.0
    spread = pooled * (1 - pooled) * (1 / canary.requests + 1 / stable.requests) if canary.requests else 0.0
    return (
        (canary.errors / canary.requests - stable.errors / stable.requests) / sqrt(spread) if spread else 0.0
    )


RIVALS: dict[str, Callable[[Sequence[Second]], bool]] = {
    "> 1 %": over_one_percent,
    "> 2x control": over_twice_control,
    "z once": z_once,
    "z each s": z_peeked,
}
