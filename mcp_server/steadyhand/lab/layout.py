"""Where everything in a lab lives: ports above the base port, paths below the directory."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

Arm = Literal["stable", "canary"]
ARMS: tuple[Arm, ...] = ("stable", "canary")
REPLICAS = (1, 2, 3)
HOST = "127.0.0.1"
OFFSETS = {
    "platform": 0,
    "shop": 1,
    "envoy-admin": 2,
    "postgres": 3,
    "redis": 4,
    "payments": 5,
    "load": 6,
    "exporter": 7,
    "metrics": 8,
    "alertmanager": 9,
}
_ARM_OFFSET: dict[Arm, int] = {"stable": 10, "canary": 20}


@dataclass(frozen=True, slots=True)
class Layout:
    """The ports and paths of one lab."""

    directory: Path
    base_port: int

    def port(self, role: str) -> int:
        """The port of a role named in OFFSETS."""
        return self.base_port + OFFSETS[role]

    def url(self, role: str) -> str:
        """The HTTP address of a role, without a slash at its end."""
        return f"http://{HOST}:{self.port(role)}"

    def replica_port(self, arm: Arm, number: int) -> int:
        """The port of one replica; `number` counts from 1."""
        return self.base_port + _ARM_OFFSET[arm] + number

    @property
    def run(self) -> Path:
        """Configuration, pid files and output of the running processes."""
        return self.directory / "run"

    @property
    def pids(self) -> Path:
        """One file per running child."""
        return self.run / "pids"

    @property
    def logs(self) -> Path:
        """What the shop logs, as JSON lines."""
        return self.directory / "logs"

    @property
    def data(self) -> Path:
        """PostgreSQL's folder."""
        return self.directory / "postgres"

    @property
    def spare_data(self) -> Path:
        """PostgreSQL's folder when root keeps others out of `directory`; only root can write beside it."""
        return Path("/var/lib/steadyhand-lab") / sha256(str(self.directory).encode()).hexdigest()[:12]

    @property
    def description(self) -> Path:
        """The file that tells other processes how to reach this lab."""
        return self.directory / "lab.json"

    @property
    def truth(self) -> Path:
        """What is really broken; never shown to a diagnosis."""
        return self.directory / "truth.json"

    @property
    def changes(self) -> Path:
        """Every deployment and migration, one JSON line each time it starts or ends."""
        return self.directory / "changes.jsonl"

    def roles(self) -> Iterator[tuple[str, int]]:
        """Every role with its port, the replicas of both arms included."""
        for role in OFFSETS:
            yield role, self.port(role)
        for arm in ARMS:
            for number in REPLICAS:
                yield replica_name(arm, number), self.replica_port(arm, number)


def forget_data(layout: Layout) -> None:
    """Remove what PostgreSQL kept."""
    for folder in (layout.data, layout.spare_data):
        shutil.rmtree(folder, ignore_errors=True)


def replica_name(arm: Arm, number: int) -> str:
    """What a replica is called in logs, metrics and pid files."""
    return f"shop-{arm}-{number}"
