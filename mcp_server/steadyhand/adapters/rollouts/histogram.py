"""What a histogram of answer times says: how many took longer, and how long a part took at most."""

from collections.abc import Sequence


def slower_than(limit_ms: float, buckets: Sequence[tuple[float, int]]) -> int:
    """How many answers took longer, by linear interpolation inside the bucket that holds the limit.

    `buckets` are cumulative counts by upper bound in milliseconds, the last one infinite.
    """
    lower, below, within = 0.0, 0, 0.0
    total = max((count for _, count in buckets), default=0)
    for upper, count in sorted(buckets):
        if upper > limit_ms:
            part = 0.0 if upper == float("inf") else (limit_ms - lower) / (upper - lower)
            within = below + part * (count - below)
            break
        lower, below, within = upper, count, float(count)
    return int(total - within)


def quantile(part: float, buckets: Sequence[tuple[float, int]]) -> float | None:
    """The time, in ms, that this part of the answers took at most; None without any answer.

    Linear inside its bucket; the last finite bound where it lies beyond.
    """
    ordered = sorted(buckets)
    wanted = part * max((count for _, count in ordered), default=0)
    lower, below = 0.0, 0
    for upper, count in ordered:
        if count >= wanted > below:
            return (
                lower
                if upper == float("inf")
                else lower + (upper - lower) * (wanted - below) / (count - below)
            )
        lower, below = upper, count
    return None
