"""Incidents as rows, read as the release that wrote them meant them."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from steadyhand.adapters.ledger.engine import from_ms
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.incident.versions import NewerMachine, read_incident
from steadyhand.ports import NewerRelease
from steadyhand.store import Person


def incident_of(row: Sequence[Any] | None) -> Incident | None:
    """The incident in a row of state and machine. Raises NewerRelease."""
    if row is None:
        return None
    state, machine = row
    try:
        return read_incident(state, machine)
    except NewerMachine as error:
        raise NewerRelease(str(error)) from error


def state_hash(text: str) -> str:
    """The SHA-256, in hex, of an incident's state as JSON; empty for none."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def person_of(row: Row[tuple[str, str, str, int, int]]) -> Person:
    """Who may sign in."""
    return Person(
        name=row.name,
        role=row.role,
        pin_hash=row.pin_hash,
        wrong=row.wrong,
        locked_until=from_ms(row.locked_until),
    )
