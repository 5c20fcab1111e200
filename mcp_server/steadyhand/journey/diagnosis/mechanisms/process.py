"""Faults of a process: its memory and its processor."""

from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals.load import together
from steadyhand.journey.diagnosis.signals.metrics import burning
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect


def _services(scene: Scene) -> tuple[Suspect, ...]:
    names = dict.fromkeys((scene.page.service, *scene.of_kind("service")))
    return tuple(Suspect(entity=name, kind="service") for name in names)


def _burners(scene: Scene) -> tuple[Suspect, ...]:
    """The alerting service, whatever else took the processor, and what several share that all take more."""
    shared = {one.entity: one.facts["services"] for one in together(scene)}
    names = sorted({scene.page.service, *(one.entity for one in burning(scene))} - shared.keys())
    return (
        *(Suspect(entity=name, kind="service") for name in names),
        *(Suspect(entity=name, kind="node", facts={"services": who}) for name, who in shared.items()),
    )


MECHANISMS = (
    Mechanism(
        name="memory_leak",
        suspects=_services,
        claim="{entity} keeps what it should let go: its memory grows along a line and will reach its limit.",
        checks=(
            Check(
                name="memory against traffic",
                tool="query_metrics",
                query="resident memory of {entity} by instance, three hours",
                role=("resource",),
                look_at="resident memory of each instance of {entity} since its start",
                expect_if_true="grows steadily in every instance, also when traffic is flat",
                expect_if_false="levels off, or one instance only",
            ),
        ),
        brought_by=frozenset({"code", "config", "flag"}),
        words=frozenset({"memo", "cache", "append", "store", "buffer", "history"}),
        remediation="restart",
        remediation_of_change="rollback",
    ),
    Mechanism(
        name="cpu_starvation",
        suspects=_burners,
        claim="{entity} takes the processor time that others on the same host or quota need.",
        checks=(
            Check(
                name="who has the processor",
                tool="query_metrics",
                query="topk(5, sum by (container) (rate(container_cpu_usage_seconds_total[1m])))",
                look_at="processor time per process on the hosts of the alerting service, and throttling",
                expect_if_true="{entity} leads since just before the onset; the rest is throttled",
                expect_if_false="processor time is spread as before",
            ),
        ),
        brought_by=frozenset({"schedule", "scaling", "code", "config"}),
        words=frozenset({"cron", "schedule", "batch", "worker", "thread", "cpu"}),
        remediation="scale",
    ),
)
