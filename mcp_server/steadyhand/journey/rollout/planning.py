"""What a share of traffic can see in a window: shown to the approver before the start."""

from math import inf, log

_NATS = 6.9  # ln(1/0.01) for the level, and about 2.3 that the mixture costs
_BISECTIONS = 50


def seconds_needed(
    rps: float, share: float, base_rate: float, ratio: float, against: float = 1.0, nats: float = _NATS
) -> float:
    """Median seconds until the ratio `against` is ruled out when `ratio` is the true one (canary/control).

    `rps` is the traffic of both arms together, `share` the canary's part of it, `base_rate` the control's
    events per request. inf when it never is: no traffic, no events, no difference. The slowest tenth of
    runs takes 1.6 to 2 times as long.
    """
    events = rps * share * base_rate
    nats_per_event = _nats_per_event(share, ratio, against) if events else 0.0
    return nats / (events * nats_per_event) if nats_per_event > 0 else inf


def _nats_per_event(share: float, ratio: float, against: float) -> float:
    """Evidence that one event expected of the canary brings (Kullback-Leibler, both arms together)."""
    rest = 1 - share
    direct = ratio * log(ratio / against) if ratio else 0.0
    mixed = (share * ratio + rest) / (share * against + rest)
    return direct - (ratio + rest / share) * log(mixed)


def min_detectable_ratio(rps: float, share: float, base_rate: float, window: float) -> float | None:
    """The smallest harm, as a ratio canary/control, seen within `window` seconds in half of all runs.

    None: nothing can be seen, not even a canary whose every request has the event.
    """
    if not base_rate:
        return None
    low, high = 1.0, 1 / base_rate
    if seconds_needed(rps, share, base_rate, high) > window:
        return None
    for _ in range(_BISECTIONS):
        ratio = (low + high) / 2
        low, high = (low, ratio) if seconds_needed(rps, share, base_rate, ratio) <= window else (ratio, high)
    return high
