"""A verdict in a sentence, for people."""

from typing import assert_never

from steadyhand.journey.rollout.model import Back, Figures, Hold, Promote, Undecided, Verdict
from steadyhand.journey.rollout.planning import Sight

_NAMES = {"errors": "failed answers", "slow90": "slow answers", "slow99": "very slow answers"}


def named(verdict: Verdict) -> str:
    """The verdict's name, as reports and the audit use it."""
    match verdict:
        case Promote(grade="not worse"):
            return f"not worse within {verdict.within:g}x"
        case Promote():
            return verdict.grade
        case Back():
            return verdict.reason
        case Undecided(name="no evidence of harm"):
            return f"no evidence of harm, could have seen >= {verdict.figures.could_have_seen:.1f}x"
        case Hold() | Undecided():
            return verdict.name
        case _:
            assert_never(verdict)


def say(verdict: Verdict) -> str:
    """What the judge says and on which figures."""
    figures = interval(verdict.figures)
    match verdict:
        case Promote() | Undecided():
            return f"{named(verdict)} ({figures})."
        case Hold():
            return f"{verdict.name}, {verdict.seconds_left:.0f} s left ({figures})."
        case Back():
            why = f", {verdict.why}" if verdict.why else ""
            return f"take it back: {verdict.reason}{why} ({figures})."
        case _:
            assert_never(verdict)


def interval(figures: Figures) -> str:
    """The ratio with its interval and the counts it stands on."""
    ratio = "no ratio yet" if figures.ratio is None else f"{figures.ratio:.2f}x"
    upper = "open" if figures.upper is None else f"{figures.upper:.2f}"
    canary, stable = events_of(figures)
    return (
        f"{_NAMES[figures.metric]} {ratio} of control, 95 % interval {figures.lower:.2f} to {upper}; "
        f"canary {canary} of {figures.canary.requests}, control {stable} of {figures.stable.requests}"
    )


def events_of(figures: Figures) -> tuple[int, int]:
    """The judged metric's events of both arms."""
    match figures.metric:
        case "errors":
            return figures.canary.errors, figures.stable.errors
        case "slow90":
            return figures.canary.slow90, figures.stable.slow90
        case _:
            return figures.canary.slow99, figures.stable.slow99


def foresee(sight: Sight | None) -> tuple[str, ...]:
    """What a canary will be able to see, in sentences for whoever is asked for a yes; None: not known."""
    if sight is None:
        return ("What the canary will see is not known beforehand: nobody has heard the service's traffic.",)
    harm = (
        "no harm at all"
        if sight.smallest_harm is None
        else f"harm from {sight.smallest_harm:.1f}x the present failure rate"
    )
    cure = "not in any time" if sight.cure_s is None else f"in about {sight.cure_s:.0f} s"
    return (
        f"At {sight.rps:.0f} requests/s, {sight.failing:.1%} of them failing, {sight.share:.0%} to the fix:",
        f"in {sight.window_s:.0f} s the canary sees {harm};",
        f"a full cure is proven {cure} (half of all runs are faster).",
    )
