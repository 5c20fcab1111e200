"""`steadyhand people`: who may sign in. A PIN is typed, never given as an argument."""

import getpass
import sys
from pathlib import Path

from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.store import the_store
from steadyhand.journey.commands import Record
from steadyhand.ports import ConfigError
from steadyhand.responder.fixes.deciding import hash_pin
from steadyhand.store import Person

_OURS = ("steadyhand", "policy", "model")


def add(name: str, role: str, config: Path | None = None) -> int:
    """Add a person, or give them a new PIN. Raises ConfigError, Refused, LedgerError."""
    _check(name)
    pin = _new_pin()
    now = SystemClock().now()
    person = Person(name=name, role=role, pin_hash=hash_pin(pin), locked_until=now)
    with the_store(config, new=True).write() as tx:
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


def show(config: Path | None = None) -> int:
    """List who may sign in."""
    with the_store(config, new=True).read() as tx:
        people = tx.people()
    sys.stdout.write(
        "\n".join(f"{one.name} ({one.role})" for one in people) + "\n"
        if people
        else "Nobody yet: steadyhand people add NAME\n"
    )
    return 0
