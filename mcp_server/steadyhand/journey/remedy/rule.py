"""The remedy section of incident-config.yaml."""

from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule


class RemedyRule(Rule):
    """Rough figures from which a fix's recovery time and risk are estimated."""

    release_recovery: Duration = Field(
        default=timedelta(seconds=90),
        description="From approval of a release to well users, canary included.",
    )
    index_rows_per_s: int = Field(
        default=100_000, gt=0, description="Rows an index build reads per second beside live traffic."
    )
    index_settle: Duration = Field(
        default=timedelta(seconds=15), description="Waiting for old transactions, and for queues to drain."
    )
    idle_in_transaction: Duration = Field(
        default=timedelta(seconds=60),
        description="The limit proposed where sessions may sit idle in a transaction for ever.",
    )
    big_table_rows: int = Field(
        default=10_000_000, gt=0, description="An index build on a table bigger than this is a high risk."
    )
