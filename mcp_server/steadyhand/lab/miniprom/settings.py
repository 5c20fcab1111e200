"""The files of the real Prometheus that mini-prom reads; a key it does not implement is refused by path."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import Field, ValidationError

from steadyhand.journey.rule import Duration, Value

Model = TypeVar("Model", bound=Value)


class SettingsError(ValueError):
    """A file cannot be read or holds a key or value that is not covered; the message names the place."""


Interval = Annotated[Duration, Field(gt=timedelta(0))]


class Global(Value):
    """How often to scrape and to evaluate rules."""

    scrape_interval: Interval = timedelta(minutes=1)
    evaluation_interval: Interval = timedelta(minutes=1)


class StaticTargets(Value):
    """Targets (host:port) that share labels."""

    targets: tuple[str, ...]
    labels: dict[str, str] = Field(default_factory=dict)


class ScrapeJob(Value):
    """One job: where its targets serve their metrics."""

    job_name: str
    metrics_path: str = "/metrics"
    params: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    static_configs: tuple[StaticTargets, ...]


class PrometheusFile(Value):
    """prometheus.yml; for `rule_files` and `alerting` stand --rules and --webhook."""

    global_: Global = Field(default_factory=Global, alias="global")
    scrape_configs: tuple[ScrapeJob, ...] = ()
    rule_files: tuple[str, ...] = ()
    alerting: dict[str, Any] = Field(default_factory=dict)


class AlertRule(Value):
    """An alerting rule as it is written."""

    alert: str
    expr: str
    for_: Duration = Field(default=timedelta(0), alias="for")
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class RuleGroup(Value):
    """Rules that are evaluated together, in order."""

    name: str
    rules: tuple[AlertRule, ...]


class RulesFile(Value):
    """rules.yml."""

    groups: tuple[RuleGroup, ...] = ()


def read_prometheus(path: Path) -> PrometheusFile:
    """Read prometheus.yml; raises SettingsError."""
    return _read(path, PrometheusFile)


def read_rules(path: Path) -> RulesFile:
    """Read rules.yml; raises SettingsError."""
    return _read(path, RulesFile)


def read_token(path: Path) -> str:
    """Read a bearer token; raises SettingsError."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{path}: {error}") from error


def _read(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        raise SettingsError(f"{path}: {_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {_REASONS.get(one['type'], one['msg'])}"
        for one in error.errors(include_url=False, include_input=False)
    )


_REASONS = {"extra_forbidden": "mini-prom does not implement this key"}
