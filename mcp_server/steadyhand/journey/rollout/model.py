"""The values of the rollout stage: what the outside gives, and the verdict it gets."""

from typing import Annotated, Literal

from pydantic import Field

from steadyhand.journey.rule import Instant, Share, Value


class Counts(Value):
    """Cumulative counters of one arm.

    A request counts once it has ended in any way; timed out, reset or given up by the client is an error.
    """

    requests: int = Field(ge=0)
    errors: int = Field(ge=0)
    slow90: int = Field(default=0, ge=0, description="Answers slower than the first limit.")
    slow99: int = Field(default=0, ge=0, description="Answers slower than the second limit.")


class Arms(Value):
    """Both arms read from one source at one instant."""

    at: Instant
    stable: Counts
    canary: Counts


class Observed(Value):
    """What the balancer and the release platform say is so."""

    share: Share = Field(description="Share of traffic the canary arm is given now.")
    stable_version: str
    stable_ready: int = Field(ge=0, description="Healthy replicas.")
    canary_version: str = Field(default="", description="Empty when the arm runs nothing.")
    canary_ready: int = Field(default=0, ge=0)
    owner: str = Field(default="", description="Mark of the rollout that holds the lease.")


Metric = Literal["errors", "slow90", "slow99"]
Grade = Literal["proven better", "not worse"]
BackReason = Literal["reset", "stale", "share off", "no traffic", "failing", "saturated", "worse"]


class Figures(Value):
    """What people see beside a verdict. None of it decides."""

    seconds: float = Field(description="Since the observation began.")
    share: Share = Field(description="The canary's part of all answers.")
    canary: Counts = Field(description="Since the observation began.")
    stable: Counts = Field(description="Since the observation began.")
    metric: Metric
    ratio: float | None = Field(
        description="The metric's rate, canary/control, after the settling time; None: the control has none."
    )
    lower: float = Field(ge=0, description="Of the 95 % interval of that ratio, valid at every tick.")
    upper: float | None = Field(description="None: no upper bound yet.")
    could_have_seen: float | None = Field(
        description="The smallest harm this observation could see so far, as a ratio; None: none at all."
    )
    phi: float | None = Field(
        description="Burstiness of the metric's events; None: not measured, so nothing is promoted by itself."
    )


class Promote(Value):
    """Proven: it may have all traffic."""

    kind: Literal["promote"] = "promote"
    grade: Grade
    within: float = Field(default=2.0, description="Not worse by more than this ratio.")
    figures: Figures


class Hold(Value):
    """Keep the share and look again at the next tick."""

    kind: Literal["hold"] = "hold"
    name: Literal["watching", "undecided so far"]
    seconds_left: float = Field(ge=0, description="Until the soak ends; once over, until a human is asked.")
    verdict_in: float | None = Field(
        description="Seconds to proof as the planning formula sees it; None: not before a human is asked."
    )
    figures: Figures


class Back(Value):
    """All traffic to the stable arm, now."""

    kind: Literal["back"] = "back"
    reason: BackReason
    why: str = Field(default="", description="More words on the reason, where there are any.")
    figures: Figures


class Undecided(Value):
    """Watched for as long as the rule allows: a human decides, the share stays under its lease meanwhile."""

    kind: Literal["undecided"] = "undecided"
    name: Literal["undecided", "no evidence of harm"]
    figures: Figures


Verdict = Annotated[Promote | Hold | Back | Undecided, Field(discriminator="kind")]
