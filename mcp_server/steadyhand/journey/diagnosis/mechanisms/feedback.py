"""Faults that feed themselves: callers that try again make worse what made them try."""

from steadyhand.journey.diagnosis.mechanisms.place import kind_of
from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals.load import amplified
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect


def _called_again(scene: Scene) -> tuple[Suspect, ...]:
    """Those of whom more is asked for each request of their callers."""
    return tuple(
        Suspect(entity=name, kind=kind_of(name, scene), facts={"amplification": f"{one.times:.1f}"})
        for name, one in sorted(amplified(scene).items())
    )


MECHANISMS = (
    Mechanism(
        name="retry_storm",
        suspects=_called_again,
        claim="Callers of {entity} try again and again: {amplification} calls where there was one, which "
        "keeps it busy. What made the first calls fail began it, and may be over.",
        checks=(
            Check(
                name="calls for each request",
                tool="query_metrics",
                query="rate of calls to {entity} by caller, and requests to each caller",
                role=("traffic",),
                look_at="calls to {entity} divided by requests to its callers, now against before",
                expect_if_true="the ratio jumped to about {amplification} after {entity} slowed or failed",
                expect_if_false="the ratio stayed: more is asked of the callers themselves",
            ),
        ),
        brought_by=frozenset({"code", "config", "flag"}),
        words=frozenset({"retry", "retries", "attempt", "backoff", "timeout"}),
        remediation="flag_off",
        remediation_of_change="rollback",
        playbook="retry-storm",
    ),
)
