"""Evaluating all rules over the store, and writing the ALERTS series."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from steadyhand.lab.miniprom.evaluate.engine import Evaluation
from steadyhand.lab.miniprom.evaluate.plan import EvaluationError
from steadyhand.lab.miniprom.evaluate.vector import Sample, Vector
from steadyhand.lab.miniprom.labels import NAME, Labels, labels_from
from steadyhand.lab.miniprom.rules import Alert, Rule, advance
from steadyhand.lab.miniprom.samples import Store

log = logging.getLogger("mini-prom.rules")


class WatchedRule:
    """A rule, its alerts and the ALERTS series it keeps."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.active: Mapping[Labels, Alert] = {}
        self._written: set[Labels] = set()

    def turn(self, store: Store, now: datetime) -> list[Alert]:
        """Evaluate once; return the firing and the just resolved alerts.

        Raises EvaluationError, with everything left as it was.
        """
        at = unix_ms(now)
        turn = advance(self.rule, self.active, _vector(Evaluation(store).at(self.rule.expr, at)), now)
        self.active = turn.active
        self._write(store, at)
        return [alert for alert in self.active.values() if alert.fired_at is not None] + list(turn.resolved)

    def _write(self, store: Store, at: int) -> None:
        current = {_series(alert) for alert in self.active.values()}
        for labels in self._written - current:
            store.end(labels, at)
        for labels in current:
            store.append(labels, at, 1.0)
        self._written = current


class Watch:
    """All rules over one store."""

    def __init__(self, rules: Sequence[Rule], store: Store) -> None:
        self._store = store
        self._watched = [WatchedRule(rule) for rule in rules]

    @property
    def alerts(self) -> list[Alert]:
        """Return all pending and firing alerts."""
        return [alert for watched in self._watched for alert in watched.active.values()]

    def turn(self, now: datetime) -> list[Alert]:
        """Evaluate every rule; return what a notifier must know: firing and just resolved alerts.

        A rule that cannot be evaluated keeps its alerts as they are and is logged.
        """
        return [alert for watched in self._watched for alert in self._safely(watched, now)]

    def _safely(self, watched: WatchedRule, now: datetime) -> list[Alert]:
        try:
            return watched.turn(self._store, now)
        except EvaluationError as error:
            log.warning("rule %s cannot be evaluated: %s", watched.rule.name, error)
            return []


def unix_ms(instant: datetime) -> int:
    """Return an aware instant as unix milliseconds."""
    return round(instant.timestamp() * 1000)


def _series(alert: Alert) -> Labels:
    return labels_from({**dict(alert.labels), NAME: "ALERTS", "alertstate": alert.state})


def _vector(value: float | Vector) -> Vector:
    return [Sample((), value)] if isinstance(value, float) else value
