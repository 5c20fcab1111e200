"""The lab and a Steadyhand that watches it, started and stopped together."""

import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.config import environment
from steadyhand.demo.config import lab_config, lab_environment
from steadyhand.lab.failure import LabError
from steadyhand.lab.process import guarded
from steadyhand.lab.settings import Description, LabSettings
from steadyhand.lab.stack import Lab
from steadyhand.responder.fixes.deciding import hash_pin
from steadyhand.store import Person

SERVICE_OFFSET = 90
ENGINEER = "ana"
_UP_S = 30.0
_DOWN_S = 8.0


@dataclass(frozen=True, slots=True)
class Access:
    """How a person reaches the service."""

    url: str
    name: str
    pin: str


class Stage:
    """A lab, a service, and one engineer who may approve. A context manager that leaves nothing running."""

    def __init__(self, folder: Path, base_port: int, metrics: str = "auto") -> None:
        self.folder = folder.absolute()
        self.home = self.folder / "home"
        self.pages = self.folder / "pages.log"
        self._port = base_port + SERVICE_OFFSET
        self._service: subprocess.Popen[bytes] | None = None
        self.access = Access(f"http://127.0.0.1:{self._port}", ENGINEER, f"{secrets.randbelow(10**6):06d}")
        self._token = secrets.token_urlsafe(32)
        self.lab = Lab(
            LabSettings.model_validate(
                {
                    "directory": self.folder / "lab",
                    "base_port": base_port,
                    "alerts_url": f"{self.access.url}/alerts/alertmanager",
                    "alerts_token": self._token,
                    "changes_url": f"{self.access.url}/changes",
                    "changes_token": self._token,
                    "metrics": metrics,
                }
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_service()
        self.lab.stop()

    def start(self, say: Callable[[str], None]) -> Description:
        """Start both, service first to be told of the first change. Raises LabError."""
        self._prepare()
        found = self.lab.start(on_step=say)
        config = self.folder / "incident-config.yaml"
        config.write_text(lab_config(found, self._port, self.pages), encoding="utf-8")
        self.start_service()
        return found

    def _prepare(self) -> None:
        """A fresh home: a token the lab knows, and the engineer with a PIN of their own."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in (*self.home.glob("steadyhand.db*"), self.pages):
            old.unlink(missing_ok=True)
        token = self.home / "ingest.token"
        token.touch(mode=0o600)
        token.write_text(self._token, encoding="ascii")
        now = datetime.now(UTC)  # noqa: TID251 - a demo has a wall clock
        person = Person(name=ENGINEER, role="approver", pin_hash=hash_pin(self.access.pin), locked_until=now)
        ledger = SqlLedger(self.home / "steadyhand.db")
        with ledger.write() as tx:
            tx.save_person(person)
        ledger.close()

    def start_service(self) -> None:
        """Start the service as a process that cannot outlive this one. Raises LabError."""
        config = self.folder / "incident-config.yaml"
        command = [sys.executable, "-m", "steadyhand", "serve", "--config", str(config)]
        told = environment() | lab_environment(self.lab.description) | {"STEADYHAND_HOME": str(self.home)}
        with (self.folder / "service.log").open("ab") as out:
            self._service = subprocess.Popen(  # noqa: S603 - our own program
                guarded(command, signal.SIGTERM),
                env=told,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        ends = time.monotonic() + _UP_S
        while time.monotonic() < ends:
            try:
                if httpx2.get(f"{self.access.url}/healthz", timeout=2, trust_env=False).is_success:
                    return
            except httpx2.TransportError:
                time.sleep(0.1)
            if self._service is None or self._service.poll() is not None:
                break
        log = (self.folder / "service.log").read_text(errors="replace")[-2000:]
        raise LabError(f"the control service did not start: {log}")

    def stop_service(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the service; SIGKILL is how a crash is played."""
        if self._service is None:
            return
        self._service.send_signal(how)
        try:
            self._service.wait(_DOWN_S)
        except subprocess.TimeoutExpired:
            self._service.kill()
            self._service.wait(_DOWN_S)
        self._service = None

    def rows(self) -> Sequence[dict[str, Any]]:
        """The rows of the audit trail, read from the store itself."""
        ledger = SqlLedger(self.home / "steadyhand.db")
        with ledger.read() as tx:
            found = [dict(one) for one in tx.audit.rows()]
        ledger.close()
        return found

    def truth(self) -> dict[str, object]:
        """What is really wrong, for scoring only. Raises LabError when nothing is broken."""
        found: list[dict[str, object]] = json.loads(self.lab.layout.truth.read_text(encoding="utf-8"))
        if not found:
            raise LabError("nothing is broken in the lab")
        return found[-1]
