"""What a share of traffic can see in a window: shown to the approver before the start."""

from math import inf, log

from pydantic import Field

from steadyhand.journey.rule import Share, Value

_NATS = 6.9  # ln(1/0.01) for the level, and about 2.3 that the mixture costs
_BISECTIONS = 50


class Sight(Value):
    """What a canary can see at the traffic there is, worked out before anybody says yes."""

    rps: float = Field(ge=0, description="Requests a second, both arms together.")
    failing: Share = Field(description="Share of them that fail now.")
    share: Share
    window_s: float
    smallest_harm: float | None = Field(
        description="The smallest ratio of failures seen within the window; None: no harm at all."
    )
    cure_s: float | None = Field(
        description="Seconds until a cure without a failure is proven, in half of all runs; None: never."
    )


def sight_of(rps: float, failing: float, share: float, window_s: float, want: float) -> Sight:
    """What this share of this traffic shows within the window, and how soon it proves a full cure."""
    cure = seconds_needed(rps, share, failing, 0.0, want)
    return Sight(
        rps=rps,
        failing=failing,
        share=share,
        window_s=window_s,
        smallest_harm=min_detectable_ratio(rps, share, failing, window_s),
        cure_s=None if cure == inf else cure,
    )


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
