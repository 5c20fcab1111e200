"""What else one could do with a canary's figures: each says whether it would take the canary back in time."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import sqrt

from canary_traffic import Answers, Second, plus

_LEAST_POINTS = 5
_Z98 = 2.326


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


def mann_whitney(points: Sequence[Second]) -> bool:
    """Mann-Whitney on the arms' error rates of each point, two-sided at 98 %, canary the worse one.

    Normal approximation with ties and continuity; under 5 points an arm it cannot reach that level.
    """
    rates = [(_rate(one.canary), True) for one in points] + [(_rate(one.stable), False) for one in points]
    number = len(points)
    ranks, ties = _ranks([rate for rate, _ in rates])
    above = sum(rank for rank, (_, canary) in zip(ranks, rates, strict=True) if canary)
    above -= number * (number + 1) / 2
    whole = 2 * number
    variance = number**2 / 12 * (whole + 1 - ties / (whole * (whole - 1)))
    if number < _LEAST_POINTS or variance <= 0:
        return False
    return (above - number**2 / 2 - 0.5) / sqrt(variance) > _Z98


def points_of(used: Sequence[Second], seconds: int) -> list[Second]:
    """The seconds put together."""
    parts = [used[first : first + seconds] for first in range(0, len(used), seconds)]
    return [totals(part)[-1] for part in parts if len(part) == seconds]


def _rate(answers: Answers) -> float:
    return answers.errors / answers.requests if answers.requests else 0.0


def _ranks(values: Sequence[float]) -> tuple[list[float], float]:
    """Mid-ranks from 1 on, and the sum of t^3 - t over groups of ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, ties, first = [0.0] * len(values), 0.0, 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in range(first, last + 1):
            ranks[order[place]] = (first + last) / 2 + 1
        ties += (last - first + 1) ** 3 - (last - first + 1)
        first = last + 1
    return ranks, ties


RIVALS: dict[str, Callable[[Sequence[Second]], bool]] = {
    "> 1 %": over_one_percent,
    "> 2x control": over_twice_control,
    "z once": z_once,
    "z each s": z_peeked,
    "MW 1 s": lambda used: mann_whitney(points_of(used, 1)),
    "MW 10 s": lambda used: mann_whitney(points_of(used, 10)),
}
