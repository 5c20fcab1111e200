"""An alert comes in: stored, and an incident opened or told of it, in one transaction."""

from datetime import datetime

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.severity import classify
from steadyhand.journey.commands import Record
from steadyhand.journey.escalation.ladder import Ladder
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import AlertSeen, Event, Incident
from steadyhand.ports import SteadyhandError
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction

_LATEST = 50


class UnknownIncident(SteadyhandError):
    """There is no incident of this id."""


def take_alert(outside: Outside, alert: Alert, raw: str) -> str:
    """Store an alert; returns its incident's id, or "" for a resolution nobody waits for.

    Raises LedgerError when it could not be stored: then nothing of it was.
    """
    now = outside.clock.now()
    alert = _masked(alert)
    with outside.ledger.write() as tx:
        incident = _belongs(outside, tx, alert, now)
        if incident is None:
            tx.record("", Record(action="alert.ignored", body={"alert": alert.name, "why": "resolved"}), now)
            return ""
        tx.keep_alert(incident.id, alert, raw, now)
        return incident.id


def _masked(alert: Alert) -> Alert:
    """Its words go to phones, trails and models: no secret and no control character goes with them."""
    masker = Masker()
    words = {
        "name": masker.text(alert.name, 200) or "unnamed alert",
        "summary": masker.text(alert.summary, 1000),
        "labels": {name: masker.text(value, 500) for name, value in alert.labels.items()},
    }
    return alert.model_copy(update=words)


def _belongs(outside: Outside, tx: Transaction, alert: Alert, now: datetime) -> Incident | None:
    current = tx.current(alert.service, now)
    if current is not None:
        after, commands = reduce(current, AlertSeen(alert=alert), now)
        return tx.save(after, commands, now)
    if alert.status == "resolved":
        return None
    severity = classify(alert, outside.rules.topology.get(alert.service), outside.rules.severity)
    policy = outside.rules.policy(severity[0], alert.service)
    turn = _turn(tx, policy.ladder)
    opened, commands = open_incident(outside.new_id("inc"), alert, severity, policy, now, turn)
    return tx.save(opened, commands, now)


def _turn(tx: Transaction, ladder: Ladder) -> int:
    """Whose turn it is by this policy: after those of its latest incident, where a tier goes round."""
    if not any(one.notify == "round_robin" for one in ladder.tiers):
        return 0
    latest = (one for one in tx.incidents(_LATEST) if one.policy.ladder.name == ladder.name)
    last = next(latest, None)
    return last.turn + 1 if last else 0


def tell_incident(outside: Outside, incident: str, event: Event) -> Incident:
    """Let an event happen to an incident. Raises UnknownIncident, LedgerError."""
    with outside.ledger.write() as tx:
        return happen(tx, incident, event, outside.clock.now())


def happen(tx: Transaction, incident: str, event: Event, now: datetime) -> Incident:
    """Let an event happen inside an open transaction. Raises UnknownIncident."""
    before = tx.incident(incident)
    if before is None:
        raise UnknownIncident(f"there is no incident {incident}; list_incidents shows them")
    after, commands = reduce(before, event, now)
    return before if after == before and not commands else tx.save(after, commands, now)
