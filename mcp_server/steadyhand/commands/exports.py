"""`steadyhand audit export`: rows, a checkpoint, and a script that checks them with Python alone."""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from steadyhand.adapters.checkpoints.file import NAME
from steadyhand.adapters.machine import SystemClock
from steadyhand.commands.store import the_store
from steadyhand.config import default_path, home, load
from steadyhand.journey.audit.redact import TOKEN
from steadyhand.ports import ConfigError
from steadyhand.responder.engine.sealing import signed
from steadyhand.store import Transaction
from steadyhand.wiring import checkpoint_key

_PARTS = (("journey.audit", "ed25519.py"), ("journey.audit", "proof.py"), ("commands", "verify.py"))
_OURS = "from steadyhand."


def export(incident: str, folder: Path | None, config: Path | None = None) -> int:
    """Write a folder that proves itself: all of it, or one incident. Raises ConfigError, LedgerError."""
    to = folder or Path(f"audit-{incident or 'whole'}")
    key = checkpoint_key(load(config or default_path()), home())
    with the_store(config).write() as tx:
        if incident and next(iter(tx.audit.rows(incident)), None) is None:
            raise ConfigError(f"the trail has no incident {incident}")
        joint = tx.audit.join(SystemClock().now(), *((incident,) if incident else ()))
    with the_store(config).read() as tx:
        _write(tx, incident, joint, signed(joint, key), to)
    sys.stdout.write(f"{to} holds the trail. To check it: python -I {to / 'verify.py'} {key.public}\n")
    return 0


def _write(tx: Transaction, incident: str, joint: dict[str, Any], point: dict[str, Any], to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    tokens: set[str] = set()
    kept = (one for one in tx.audit.rows(incident or None) if one["seq"] <= joint["seq"])
    _lines(to / "trail.jsonl", _noting(kept, tokens))
    _lines(to / NAME, [point])
    if incident:
        _lines(to / "joints.jsonl", [joint])
    known = tx.audit.people(tokens)
    people = ({"token": token, "salt": salt, "name": name} for token, (salt, name) in sorted(known.items()))
    _lines(to / "people.jsonl", people)
    (to / "verify.py").write_text(verifier(), encoding="utf-8")


def _noting(rows: Iterable[Mapping[str, Any]], tokens: set[str]) -> Iterable[Mapping[str, Any]]:
    for one in rows:
        tokens.update(TOKEN.findall(json.dumps(one)))
        yield one


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for one in rows:
            file.write(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n")


def verifier() -> str:
    """One script of the very modules that verify here, without their imports of each other."""
    head = '"""Checks the export it lies in: python -I verify.py [KEY]. One file, Python 3.11 or later."""\n'
    return head + "\n".join(_standalone(package, name) for package, name in _PARTS)


def _standalone(package: str, name: str) -> str:
    text = (resources.files(f"steadyhand.{package}") / name).read_text(encoding="utf-8")
    return "\n".join(one for one in text.splitlines() if not one.startswith(_OURS)) + "\n"
