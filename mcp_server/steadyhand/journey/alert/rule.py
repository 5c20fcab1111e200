"""The alerts section of incident-config.yaml: what belongs together, what flaps, when quiet is enough."""

from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule


class AlertRule(Rule):
    """How alerts become incidents."""

    group_within: Duration = Field(
        default=timedelta(minutes=10),
        description="A new alert of the same service, or one step away, joins what grew within this.",
    )
    flap_changes: int = Field(default=6, ge=3, description="So many changes of one alert are flapping...")
    flap_within: Duration = Field(default=timedelta(minutes=15), description="...when they fall within this.")
    close_after: Duration = Field(
        default=timedelta(minutes=15), description="An incident whose alerts are all over closes after this."
    )


class EnrichmentRule(Rule):
    """What a page says beside the alert; no page waits for it longer than the deadline."""

    deadline: Duration = Field(
        default=timedelta(seconds=5),
        description="A page leaves after this at the latest; 0s: at once.",
    )
    calm: Duration = Field(default=timedelta(minutes=15), description="So long before it all was normal.")
    changes: Duration = Field(default=timedelta(hours=4), description="Changes this far back are named.")
