"""Who is on call by now: the schedules of the configuration, with what people changed by hand on top."""

from collections.abc import Sequence
from datetime import datetime

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.handmade import CoveredSchedule, ShiftChange
from steadyhand.journey.incident.state import Policy
from steadyhand.responder.outside import Outside
from steadyhand.store import Transaction


def changes_since(outside: Outside, tx: Transaction, since: datetime) -> Sequence[ShiftChange]:
    """Changes that last later than this, in their order; no question where there is no schedule."""
    if outside.rules.schedules:
        outside.by_hand.known = tx.shift_changes(since)
    return outside.by_hand.known


def schedules_since(outside: Outside, tx: Transaction, since: datetime) -> tuple[CoveredSchedule, ...]:
    """Every schedule, right about any instant later than this. Raises LedgerError."""
    return outside.rules.on_call(changes_since(outside, tx, since))


def read_schedules(outside: Outside, since: datetime) -> tuple[CoveredSchedule, ...]:
    """The same, by a look of its own at the store. Raises LedgerError."""
    with outside.ledger.read() as tx:
        return schedules_since(outside, tx, since)


def policy_since(
    outside: Outside, tx: Transaction, severity: Severity, service: str, since: datetime
) -> Policy:
    """What is frozen into an incident of this severity and service. Raises LedgerError."""
    return outside.rules.policy(severity, service, changes_since(outside, tx, since))
