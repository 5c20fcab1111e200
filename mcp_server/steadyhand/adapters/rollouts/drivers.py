"""Every kind of traffic that can be moved: the settings by kind, and how each is put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.command import Commands, CommandSettings
from steadyhand.adapters.rollouts.envoy import EnvoySettings, EnvoyTraffic
from steadyhand.adapters.rollouts.haproxy import HAProxySettings, haproxy
from steadyhand.adapters.rollouts.lease import Lease, Way
from steadyhand.adapters.rollouts.nginx import NginxKnob, NginxSettings, nginx_log
from steadyhand.adapters.rollouts.platform import platform
from steadyhand.adapters.rollouts.promql import PromqlCounter, PromqlCounters
from steadyhand.adapters.rollouts.split import Counter, SplitTraffic
from steadyhand.adapters.rollouts.watched import Knob, WatchedDial
from steadyhand.ports import Clock, ConfigError, MetricSource, TrafficTarget

TrafficSettings = Annotated[
    EnvoySettings | HAProxySettings | NginxSettings | CommandSettings, Field(discriminator="kind")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What drivers are put together with. `mark` is what every lease is held under; a restart keeps it."""

    client: httpx2.AsyncClient
    clock: Clock
    leases: Path
    secret: Callable[[str], SecretStr | None]
    metrics: Mapping[str, MetricSource]
    mark: str = "steadyhand"

    def watched(self, knob: Knob, way: Way) -> WatchedDial:
        """The knob under a lease in a file, with a watchdog that goes this way."""
        return WatchedDial(knob, Lease(self.leases, knob.name, self.mark, way))

    def counted(self, service: str, counters: PromqlCounters) -> PromqlCounter:
        """Counters from a metrics system. Raises ConfigError where there is none of that name."""
        if counters.source not in self.metrics:
            known = ", ".join(self.metrics) or "none"
            raise ConfigError(
                f"connections.traffic: {service}: counters.source {counters.source!r} is none of"
                f" connections.metrics ({known})"
            )
        return PromqlCounter(counters, self.metrics[counters.source], self.clock)


def build(settings: TrafficSettings, tools: Tools) -> TrafficTarget:
    """The target of these settings. Raises ConfigError for a secret or source that is not there."""
    match settings:
        case EnvoySettings():
            secret = tools.secret(settings.deploy_secret_env)
            return EnvoyTraffic(settings, tools.client, secret, tools.leases, tools.clock, tools.mark)
        case HAProxySettings():
            return _haproxy(settings, tools)
        case NginxSettings():
            return _nginx(settings, tools)
        case CommandSettings():
            return _commands(settings, tools)
        case _:
            assert_never(settings)


def _haproxy(settings: HAProxySettings, tools: Tools) -> SplitTraffic:
    web = Web(source=f"{settings.name} clock", client=tools.client, deadline=settings.timeout)
    dial, counter = haproxy(settings, web, tools.clock, tools.mark)
    releases = platform(settings, tools.client, tools.secret(settings.deploy_secret_env), tools.clock)
    return SplitTraffic(settings.name, dial, releases, counter, tools.mark)


def _nginx(settings: NginxSettings, tools: Tools) -> SplitTraffic:
    web = Web(source=f"{settings.name} nginx", client=tools.client, deadline=settings.timeout)
    knob = NginxKnob(settings, web, tools.clock)
    releases = platform(settings, tools.client, tools.secret(settings.deploy_secret_env), tools.clock)
    counter = nginx_log(settings, tools.clock)
    return SplitTraffic(settings.name, tools.watched(knob, knob.way()), releases, counter, tools.mark)


def _commands(settings: CommandSettings, tools: Tools) -> SplitTraffic:
    commands = Commands(settings, tools.clock)
    counter: Counter = commands
    if settings.counters is not None:
        counter = tools.counted(settings.name, settings.counters)
    return SplitTraffic(settings.name, tools.watched(commands, commands.way()), commands, counter, tools.mark)
