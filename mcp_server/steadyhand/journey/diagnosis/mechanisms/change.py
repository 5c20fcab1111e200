"""Faults of which only the change that brought them is known."""

from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.suspect import Mechanism, Suspect

_CONFIG = frozenset({"config", "flag"})
_RELEASE = frozenset({"code"})


def _changes(scene: Scene, kinds: frozenset[str]) -> tuple[Suspect, ...]:
    """The suspects are the changes themselves: with none of these kinds there is nobody to blame."""
    return tuple(
        Suspect(
            entity=one.entity,
            kind="service",
            facts={"change": one.facts.get("change_id", one.id)},
            change=one.id,
        )
        for one in scene.known("change")
        if one.facts.get("change_kind") in kinds
    )


def _configs(scene: Scene) -> tuple[Suspect, ...]:
    return _changes(scene, _CONFIG)


def _releases(scene: Scene) -> tuple[Suspect, ...]:
    return _changes(scene, _RELEASE)


MECHANISMS = (
    Mechanism(
        name="bad_config",
        suspects=_configs,
        claim="A configuration change to {entity} broke it; the way it breaks is none of those known.",
        checks=(
            Check(
                name="old value against new",
                tool="list_changes",
                query="{entity}, 120 minutes",
                look_at="the values {change} changed, with their units, and the first error after it",
                expect_if_true="the error speaks of what was changed; instances with the old value are well",
                expect_if_false="instances with the old value fail alike",
            ),
        ),
        brought_by=_CONFIG,
        remediation="config_revert",
    ),
    Mechanism(
        name="bad_release",
        suspects=_releases,
        claim="A release of {entity} broke it; the way it breaks is none of those known.",
        checks=(
            Check(
                name="old release against new",
                tool="query_metrics",
                query="errors and latency of {entity} by version",
                look_at="errors and latency of {entity} by version, and the diff of {change}",
                expect_if_true="instances of the old version are well",
                expect_if_false="instances of the old version suffer alike",
            ),
        ),
        brought_by=_RELEASE,
        remediation="rollback",
        playbook="bad-release",
    ),
)
