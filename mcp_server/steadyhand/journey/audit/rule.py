"""When the trail is sealed with a signed checkpoint: the audit section of incident-config.yaml."""

from datetime import datetime, timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Instant, Rule, Value

# What must not be able to vanish unseen: consent, what was carried out on it, and the end.
WEIGHTY = frozenset(
    {
        "plan.approved",
        "plan.rejected",
        "rollout.started",
        "rollout.ended",
        "rollout.aborted",
        "execution.refused",
        "incident.resolved",
        "person.erased",
    }
)


class AuditRule(Rule):
    """How soon new rows of the trail are sealed. Approvals, executions and closings are sealed at once."""

    seal_rows: int = Field(default=100, ge=1, description="New rows after which they are sealed.")
    seal_after: Duration = Field(
        default=timedelta(seconds=60), description="How long a new row waits at most."
    )
    key_env: str = Field(
        default="", description="The variable with the signing key; else audit.key in the data folder."
    )


class Unsealed(Value):
    """The rows that no joint vouches for yet."""

    rows: int = 0
    oldest: Instant | None = None
    weighty: bool = False


def due(waiting: Unsealed, now: datetime, rule: AuditRule) -> bool:
    """Whether the trail must be sealed now."""
    if not waiting.rows or waiting.oldest is None:
        return False
    return waiting.weighty or waiting.rows >= rule.seal_rows or now - waiting.oldest >= rule.seal_after
