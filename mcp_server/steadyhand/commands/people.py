"""`steadyhand people`: who may sign in. A PIN is typed, never given as an argument."""

import getpass
import sys

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.config import home
from steadyhand.journey.commands import Record
from steadyhand.ports import ConfigError
from steadyhand.responder.deciding import hash_pin
from steadyhand.store import Person
from steadyhand.wiring import SystemClock

_OURS = ("steadyhand", "policy", "model")


def add(name: str, role: str) -> int:
    """Add a person, or give them a new PIN. Raises ConfigError, Refused, LedgerError."""
    _check(name)
    pin = _new_pin()
    now = SystemClock().now()
    folder = home()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    person = Person(name=name, role=role, pin_hash=hash_pin(pin), locked_until=now)
    with SqlLedger(folder / "steadyhand.db").write() as tx:
        tx.save_person(person)
        record = Record(
            action="person.saved",
            actor=getpass.getuser(),
            actor_kind="human",
            via="terminal",
            body={"name": name, "role": role},
        )
        tx.record("", record, now)
    sys.stdout.write(f"{name} may sign in as {role}.\n")
    return 0


def _check(name: str) -> None:
    if not name:
        raise ConfigError("who? steadyhand people add NAME")
    if name in _OURS:
        raise ConfigError(f"{name} stands for something else in the audit trail; take another name")
    if not name.isprintable() or name != name.strip() or ":" in name:
        raise ConfigError("a name has no colon, no control characters and no spaces around it")


def _new_pin() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    pin = getpass.getpass("New PIN (at least 6 characters): ")
    if pin != getpass.getpass("Once more: "):
        raise ConfigError("the two PINs differ; nothing was changed")
    return pin


def show() -> int:
    """List who may sign in."""
    with SqlLedger(home() / "steadyhand.db").read() as tx:
        people = tx.people()
    sys.stdout.write(
        "\n".join(f"{one.name} ({one.role})" for one in people) + "\n"
        if people
        else "Nobody yet: steadyhand people add NAME\n"
    )
    return 0
