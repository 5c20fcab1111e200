"""Alerting rules: pending, firing, resolved. Pure; time is an argument."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from steadyhand.lab.miniprom.evaluate.parse import parse_expr
from steadyhand.lab.miniprom.evaluate.plan import EvaluationError, Expr
from steadyhand.lab.miniprom.evaluate.vector import Sample, Vector
from steadyhand.lab.miniprom.labels import NAME, Labels, labels_from
from steadyhand.lab.miniprom.settings import AlertRule, RulesFile, SettingsError
from steadyhand.lab.miniprom.template import check, expand


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked alerting rule."""

    name: str
    text: str
    expr: Expr
    hold: timedelta
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a rule, told apart by its labels."""

    rule: Rule
    labels: Labels
    annotations: Labels
    value: float
    active_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def state(self) -> str:
        """Return "pending" or "firing", as /api/v1/alerts does."""
        return "pending" if self.fired_at is None else "firing"


class Turn(NamedTuple):
    """What an evaluation of a rule leaves active, and what it ended after it had fired."""

    active: Mapping[Labels, Alert]
    resolved: tuple[Alert, ...]


def load_rules(file: RulesFile) -> list[Rule]:
    """Check all rules of a file; raises SettingsError with the rule's name."""
    return [_checked(rule) for group in file.groups for rule in group.rules]


def advance(rule: Rule, before: Mapping[Labels, Alert], result: Vector, now: datetime) -> Turn:
    """Return the alerts after an evaluation: new ones pend, held ones fire, missing ones end.

    Raises EvaluationError when two results get the same labels.
    """
    seen = _by_labels(_alert(rule, sample, now) for sample in result)
    active = {labels: _held(alert, before.get(labels), now) for labels, alert in seen.items()}
    gone = (alert for labels, alert in before.items() if labels not in seen)
    return Turn(
        active, tuple(replace(alert, resolved_at=now) for alert in gone if alert.fired_at is not None)
    )


def _held(alert: Alert, before: Alert | None, now: datetime) -> Alert:
    active_at = now if before is None else before.active_at
    fired_at = None if before is None else before.fired_at
    if fired_at is None and now - active_at >= alert.rule.hold:
        fired_at = now
    return replace(alert, active_at=active_at, fired_at=fired_at)


def _alert(rule: Rule, sample: Sample, now: datetime) -> Alert:
    seen = dict(sample.labels)
    own = {name: expand(text, seen, sample.value) for name, text in rule.labels.items()}
    kept = {name: value for name, value in seen.items() if name != NAME}
    annotations = {name: expand(text, seen, sample.value) for name, text in rule.annotations.items()}
    return Alert(
        rule=rule,
        labels=labels_from(kept | own | {"alertname": rule.name}),
        annotations=tuple(sorted(annotations.items())),
        value=sample.value,
        active_at=now,
    )


def _by_labels(alerts: Iterable[Alert]) -> dict[Labels, Alert]:
    found: dict[Labels, Alert] = {}
    for alert in alerts:
        if alert.labels in found:
            raise EvaluationError(
                "vector contains metrics with the same labelset after applying alert labels"
            )
        found[alert.labels] = alert
    return found


def _checked(rule: AlertRule) -> Rule:
    try:
        for text in (*rule.labels.values(), *rule.annotations.values()):
            check(text)
        expr = parse_expr(rule.expr)
    except ValueError as error:
        raise SettingsError(f"rule {rule.alert}: {error}") from error
    return Rule(rule.alert, rule.expr, expr, rule.for_, rule.labels, rule.annotations)
