"""How long closed incidents stay in the store."""

from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule


class RetentionRule(Rule):
    """How long closed incidents stay in the store."""

    keep_closed: Duration = Field(
        default=timedelta(days=90),
        description="Then they go to archive/*.jsonl in the data directory; 0s: never. The trail stays.",
    )
