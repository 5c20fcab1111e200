"""What a lab is told at its start, and what it tells others once it runs."""

import json
from pathlib import Path
from typing import Self

from pydantic import Field

from steadyhand.journey.rule import Value
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import Layout
from steadyhand.lab.servers.prometheus import Kind

DEFAULT_DIRECTORY = Path(".steadyhand/lab")
DEFAULT_BASE_PORT = 18000


class LabSettings(Value):
    """One lab: where it lives, how busy it is, and whom it tells."""

    directory: Path = DEFAULT_DIRECTORY
    base_port: int = Field(default=DEFAULT_BASE_PORT, ge=1024, le=65_000)
    rps: float = Field(default=50, ge=0, le=1000, description="Requests per second of all users together.")
    alerts_url: str = Field(default="", description="Gets Alertmanager v4 webhooks; empty for nobody.")
    alerts_token: str = Field(default="", repr=False)
    changes_url: str = Field(default="", description="Gets a POST for each change; empty for nobody.")
    changes_token: str = Field(default="", repr=False)
    metrics: Kind = Field(default="auto", description="auto takes the real Prometheus if it is on the PATH.")

    @property
    def layout(self) -> Layout:
        """Its ports and paths."""
        return Layout(self.directory.absolute(), self.base_port)


class Description(Value):
    """How to reach a running lab; kept in lab.json, readable by its owner only."""

    directory: Path
    base_port: int
    pid: int = Field(description="The supervisor's process id.")
    shop_url: str
    platform_url: str
    platform_token: str = Field(repr=False)
    envoy_admin_url: str
    metrics_url: str
    metrics_kind: str = Field(description="real, or mini for mini-prom.")
    alertmanager_url: str | None
    payments_url: str
    read_only_dsn: str = Field(repr=False, description="Role steadyhand_ro: pg_monitor and SELECT.")
    admin_dsn: str = Field(repr=False, description="Role steadyhand_fix: may create and drop indexes.")
    shop_logs: str = Field(description="Glob of the shop's JSON-lines files.")
    postgres_log: str = Field(description="PostgreSQL's JSON log.")
    orders: int = Field(description="Rows of the table orders at the start.")
    start_s: float = Field(description="Seconds the start took.")

    @classmethod
    def read(cls, layout: Layout) -> Self:
        """The description of the lab in this directory. Raises LabError when none runs there."""
        try:
            return cls.model_validate(json.loads(layout.description.read_text()))
        except FileNotFoundError as error:
            raise LabError(f"no lab runs in {layout.directory}; start one with: steadyhand lab up") from error

    def write(self, layout: Layout) -> None:
        """Make it known; appears whole or not at all."""
        fresh = layout.run / "lab.json"
        fresh.touch(mode=0o600)
        fresh.write_text(self.model_dump_json(indent=1))
        fresh.replace(layout.description)
