"""incident-config.yaml, whole. Nothing else reads YAML, or the environment but for secrets."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from steadyhand.adapters.alerts.sources import DEFAULT_SOURCES, TERMINAL, AlertSettings
from steadyhand.adapters.changes.sources import ChangeSettings
from steadyhand.adapters.channels.registry import ChannelSettings
from steadyhand.adapters.channels.terminal import TerminalSettings
from steadyhand.adapters.checkpoints.build import CheckpointSettings
from steadyhand.adapters.checkpoints.file import FileCheckpointSettings
from steadyhand.adapters.checks.settings import CheckSettings
from steadyhand.adapters.databases.postgres_hand import PostgresHandSettings
from steadyhand.adapters.databases.probes import DatabaseSettings
from steadyhand.adapters.edges.promql import EdgeSettings
from steadyhand.adapters.ledger.settings import StoreRule
from steadyhand.adapters.logs.registry import LogSettings
from steadyhand.adapters.metrics.registry import MetricSettings
from steadyhand.adapters.playbooks.folder import PlaybookSettings
from steadyhand.adapters.rollouts.drivers import TrafficSettings
from steadyhand.adapters.traces.registry import TraceSettings
from steadyhand.adapters.watchdog.url import WatchdogRule
from steadyhand.journey.rule import Rule, explain_validation
from steadyhand.ports import ConfigError
from steadyhand.responder.rules import Rules

_MAY_WAIT = re.compile(r"escalation\..*(contacts|last_resort)\.")
_VARIABLE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
BUNDLED = Path(__file__).parent / "bundle"


class Listen(Rule):
    """Where the control service listens. Loopback, unless a proxy with TLS stands in front of it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=1, le=65535)
    url: str = Field(
        default="", pattern=r"^(https?://[^\s]+[^/\s])?$", description="Where people reach the console."
    )
    names: tuple[str, ...] = Field(
        default=(), description="DNS names people reach the console by, e.g. through that proxy."
    )


class Connections(Rule):
    """The outside: what may be read, and what a fix may move."""

    alerts: tuple[AlertSettings, ...] = Field(
        default=DEFAULT_SOURCES, description="Who may post alerts, each to /alerts/ and its name."
    )
    logs: tuple[LogSettings, ...] = ()
    metrics: tuple[MetricSettings, ...] = ()
    traces: tuple[TraceSettings, ...] = Field(default=(), description="Who calls whom, and how it went.")
    changes: tuple[ChangeSettings, ...] = Field(default=(), description="Who else tells changes.")
    edges: tuple[EdgeSettings, ...] = Field(default=(), description="Who saw which service call which.")
    checks: tuple[CheckSettings, ...] = Field(default=(), description="What run_check may look at.")
    databases: tuple[DatabaseSettings, ...] = Field(default=(), description="To look at, read-only.")
    hands: tuple[PostgresHandSettings, ...] = Field(default=(), description="To build an index in.")
    traffic: tuple[TrafficSettings, ...] = Field(default=(), description="To move, after a human's yes.")
    channels: tuple[ChannelSettings, ...] = Field(default=(TerminalSettings(),))
    checkpoints: tuple[CheckpointSettings, ...] = Field(
        default=(FileCheckpointSettings(),), description="Where the audit trail's checkpoints are kept."
    )

    @field_validator("logs", "metrics", mode="before")
    @classmethod
    def _first_kind(cls, given: object, info: ValidationInfo) -> object:
        """An entry without a kind is of the kind that once was the only one."""
        kind = {"logs": "files", "metrics": "prometheus"}[str(info.field_name)]
        if not isinstance(given, list | tuple):
            return given
        return [{"kind": kind, **one} if isinstance(one, dict) else one for one in given]

    @model_validator(mode="after")
    def _names_differ(self) -> "Connections":
        _once("alerts", (TERMINAL.name, *(one.name for one in self.alerts)))
        _once("logs", (one.name for one in self.logs))
        _once("metrics", (one.name for one in self.metrics))
        _once("traces", (one.name for one in self.traces))
        _once("changes", (one.name for one in self.changes))
        _once("edges", (one.name for one in self.edges))
        _once("databases", (one.name for one in self.databases))
        _once("hands", (one.name for one in self.hands))
        _once("traffic", (one.name for one in self.traffic))
        _once("channels", (one.called for one in self.channels))
        return self


def _once(key: str, names: Iterable[str]) -> None:
    known: set[str] = set()
    for name in names:
        if name in known:
            raise ValueError(f"{key} holds {name!r} twice")
        known.add(name)


class IncidentConfig(Rules):
    """The one file: every rule, and the connections to the outside."""

    variables: dict[str, str] = Field(default={}, description="Put in wherever {{name}} stands.")
    listen: Listen = Field(default=Listen())
    store: StoreRule = Field(default=StoreRule())
    watchdog: WatchdogRule = Field(default=WatchdogRule())
    connections: Connections = Field(default=Connections())
    playbooks: PlaybookSettings = Field(default=PlaybookSettings())


def home() -> Path:
    """The data directory: $STEADYHAND_HOME, else ~/.steadyhand."""
    return Path(os.environ.get("STEADYHAND_HOME") or Path.home() / ".steadyhand")


def environment() -> dict[str, str]:
    """The environment of this process, to be handed to one that it starts."""
    return dict(os.environ)


def default_path() -> Path:
    """Where the configuration is looked for: the working directory, the data directory, the package."""
    places = (Path("incident-config.yaml"), home() / "incident-config.yaml", BUNDLED / "incident-config.yaml")
    repository = Path(__file__).parents[2] / "incident-config.yaml"
    return next((one for one in (*places, repository) if one.is_file()), places[0])


def load(path: Path) -> IncidentConfig:
    """Read the configuration. Raises ConfigError that names the key and what is allowed there."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; `steadyhand config show` prints a whole one") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return parse(text, str(path))


def parse(text: str, where: str) -> IncidentConfig:
    """Read the configuration from its text. Raises ConfigError as `load` does."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is not YAML: {error}") from error
    if not isinstance(raw, dict | None):
        raise ConfigError(f"{where} must hold sections such as `services:`, not a {type(raw).__name__}")
    try:
        return IncidentConfig.model_validate(_filled_in(raw or {}, where))
    except ValidationError as error:
        raise ConfigError(explain_validation(error, where)) from error


def _filled_in(raw: dict[Any, Any], where: str) -> dict[Any, Any]:
    variables = raw.get("variables")
    known = variables if isinstance(variables, dict) else {}
    for name, value in known.items():
        if "{{" in str(value):
            raise ConfigError(f"{where}: variables.{name}: a variable holds no other variable")
    return {
        key: value if key == "variables" else _filled(value, known, where, key) for key, value in raw.items()
    }


def _filled(given: Any, variables: dict[str, Any], where: str, way: str) -> Any:  # noqa: ANN401 - any
    """Put variables in place of {{name}}. An unknown name is an error, never a word.

    Only a contact of a ladder may wait for its name: until then it leads to nobody, as `config check` says.
    """
    if isinstance(given, dict):
        return {key: _filled(value, variables, where, f"{way}.{key}") for key, value in given.items()}
    if isinstance(given, list):
        return [_filled(one, variables, where, way) for one in given]
    if not isinstance(given, str):
        return given
    text = _VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), given)
    if "{{" in text and not (_MAY_WAIT.match(way) and _VARIABLE.fullmatch(text)):
        raise ConfigError(f"{where}: {given} is used but there is no such name under variables")
    return text
