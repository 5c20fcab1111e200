"""The values of the rollout stage that the outside gives."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Instant, Share, Value


class Counts(Value):
    """Cumulative counters of one arm."""

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


Name = Literal[
    "proven better",
    "not worse",
    "no evidence of harm",
    "worse",
    "no traffic",
    "stale",
    "reset",
    "share off",
    "failing",
    "undecided",
    "watching",
]
