"""Faults that come from outside: from those we call and from those who call us."""

from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals.metrics import third_parties
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect


def _third_parties(scene: Scene) -> tuple[Suspect, ...]:
    return tuple(
        Suspect(entity=name, kind="third_party", facts={"target": name}) for name in third_parties(scene)
    )


def _demand(scene: Scene) -> tuple[Suspect, ...]:
    return (Suspect(entity=scene.page.service, kind="traffic"),)


MECHANISMS = (
    Mechanism(
        name="third_party_timeout",
        suspects=_third_parties,
        claim="{entity} no longer answers in time; callers hold their resources while they wait for it.",
        checks=(
            Check(
                name="answers per second",
                tool="query_metrics",
                query="rate of completed calls to {entity}",
                role=("traffic",),
                look_at="completed calls to {entity} per second, whatever their outcome",
                expect_if_true="near zero since the onset; durations appear only one timeout later",
                expect_if_false="as many as before",
            ),
            Check(
                name="the provider's own word",
                tool="person",
                query="status page of {entity}",
                look_at="status page of {entity}, or one harmless call with a short timeout",
                expect_if_true="an incident there, or the call times out too",
                expect_if_false="the call answers at its usual speed",
            ),
        ),
        remediation="wait_upstream",
        playbook="third-party-timeout",
    ),
    Mechanism(
        name="traffic_surge",
        suspects=_demand,
        claim="More requests reach {entity} than it has room for; nothing in it changed.",
        checks=(
            Check(
                name="requests before latency",
                tool="query_metrics",
                query="requests per second to {entity}, three hours",
                role=("traffic",),
                look_at="requests per second to {entity} against the same hour of other days",
                expect_if_true="rose first, and latency with it",
                expect_if_false="as usual, or lower",
            ),
        ),
        remediation="scale",
    ),
)
