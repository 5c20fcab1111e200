"""An alert as every source's payload becomes it."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Instant, Value


class Alert(Value):
    """One firing or resolved alert of one monitored thing."""

    source: str = Field(description="Where it came from, e.g. alertmanager.")
    dedup_key: str = Field(
        max_length=255, description="Equal for every repeat and every episode of the same alert."
    )
    name: str = Field(max_length=200)
    service: str = Field(max_length=100)
    status: Literal["firing", "resolved"]
    starts_at: Instant
    dated: bool = Field(default=True, description="Whether the source says so; else it is when it came in.")
    severity: str = Field(default="", description="The source's own word for how bad it is; a hint.")
    summary: str = Field(default="", max_length=1000)
    value: float | None = Field(default=None, description="The measured value that crossed the line.")
    expression: str = Field(default="", max_length=2000, description="The rule's expression, where known.")
    labels: dict[str, str] = Field(default={})


class Delivery(Value):
    """What one post of a source held."""

    source: str
    alerts: tuple[Alert, ...] = Field(default=(), description="None where the post says nothing of an alert.")
    later: int = Field(default=0, ge=0, description="How many more it holds, to be read when it is heard.")
    id: str = Field(
        default="", max_length=255, description="The sender's id of the post: the same when it tries again."
    )
    note: str = Field(default="", max_length=200, description="Why there is no alert in it.")

    @property
    def size(self) -> int:
        """How many alerts it holds."""
        return len(self.alerts) + self.later
