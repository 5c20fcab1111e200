"""Every kind of traffic that can be moved: the settings by kind, and how each is put together."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.aws.alb import AlbKnob, AlbSettings
from steadyhand.adapters.rollouts.aws.api import Aws
from steadyhand.adapters.rollouts.aws.ecs import EcsArms
from steadyhand.adapters.rollouts.aws.lambda_alias import LambdaAlias, LambdaSettings
from steadyhand.adapters.rollouts.aws.schedule import Reversible, Schedule, ScheduledDial, ScheduledSettings
from steadyhand.adapters.rollouts.balancers.envoy import EnvoyKnob, EnvoySettings, EnvoyTraffic, envoy_admin
from steadyhand.adapters.rollouts.balancers.haproxy import (
    HAProxyCounter,
    HAProxyDial,
    HAProxySettings,
    haproxy,
)
from steadyhand.adapters.rollouts.balancers.nginx import NginxKnob, NginxSettings, nginx_log
from steadyhand.adapters.rollouts.command import Commands, CommandSettings
from steadyhand.adapters.rollouts.flags.flag_file import FlagFile, FlagFileSettings
from steadyhand.adapters.rollouts.flags.launchdarkly import LaunchDarkly, LaunchDarklySettings
from steadyhand.adapters.rollouts.flags.unleash import Unleash, UnleashSettings
from steadyhand.adapters.rollouts.kubernetes.argo import ArgoRollout, ArgoSettings
from steadyhand.adapters.rollouts.kubernetes.arms import DeploymentArms
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster
from steadyhand.adapters.rollouts.kubernetes.flagger import FlaggerCanary, FlaggerSettings
from steadyhand.adapters.rollouts.kubernetes.gateway import GatewaySettings, RouteKnob
from steadyhand.adapters.rollouts.kubernetes.pods import KubernetesSettings, PodKnob
from steadyhand.adapters.rollouts.lease import Lease, Way
from steadyhand.adapters.rollouts.platform import Platform, PlatformSettings, platform
from steadyhand.adapters.rollouts.promql import PromqlCounter, PromqlCounters
from steadyhand.adapters.rollouts.split import Counter, Dial, Releases, SplitTraffic
from steadyhand.adapters.rollouts.switch import SwitchArms
from steadyhand.adapters.rollouts.watched import Knob, WatchedDial
from steadyhand.ports import Clock, ConfigError, MetricSource, TrafficTarget

_Switched = LambdaSettings | FlagFileSettings | LaunchDarklySettings | UnleashSettings
_InCluster = KubernetesSettings | GatewaySettings | ArgoSettings | FlaggerSettings
_Watched = NginxSettings | CommandSettings | AlbSettings | _Switched | _InCluster
TrafficSettings = Annotated[EnvoySettings | HAProxySettings | _Watched, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What drivers are put together with. `mark` is what every lease is held under; a restart keeps it."""

    client: httpx2.AsyncClient
    clock: Clock
    leases: Path
    secret: Callable[[str], SecretStr | None]
    metrics: Mapping[str, MetricSource]
    mark: str = "steadyhand"

    def needed(self, name: str) -> SecretStr:
        """The secret in this environment variable. Raises ConfigError where none is named or set."""
        found = self.secret(name)
        if found is None:
            raise ConfigError("connections.traffic: secret_env must name an environment variable")
        return found

    def counted(self, service: str, counters: PromqlCounters) -> PromqlCounter:
        """Counters from a metrics system. Raises ConfigError where there is none of that name."""
        if counters.source not in self.metrics:
            known = ", ".join(self.metrics) or "none"
            raise ConfigError(
                f"connections.traffic: {service}: counters.source {counters.source!r} is none of"
                f" connections.metrics ({known})"
            )
        return PromqlCounter(counters, self.metrics[counters.source], self.clock)

    def platform(self, settings: PlatformSettings) -> Platform:
        """What releases behind a small HTTP door."""
        return platform(settings, self.client, self.secret(settings.deploy_secret_env), self.clock)


def build(settings: TrafficSettings, tools: Tools) -> TrafficTarget:
    """The target of these settings. Raises ConfigError for a secret or source that is not there."""
    if isinstance(settings, EnvoySettings):
        secret = tools.secret(settings.deploy_secret_env)
        return EnvoyTraffic(settings, tools.client, secret, tools.leases, tools.clock, tools.mark)
    if isinstance(settings, HAProxySettings):
        dial, counter = _haproxy(settings, tools)
        return SplitTraffic(settings.name, dial, tools.platform(settings), counter, tools.mark)
    knob, releases = _parts(settings, tools)
    lease = Lease(tools.leases, settings.name, tools.mark, _way(settings, knob, tools))
    watched = _scheduled(settings, WatchedDial(knob, lease), knob, tools)
    return SplitTraffic(settings.name, watched, releases, _counter(settings, releases, tools), tools.mark)


async def bring_home(settings: TrafficSettings, tools: Tools) -> None:
    """Share 0 and nobody left on the canary arm, whoever holds it. Raises ConfigError, SourceError."""
    if isinstance(settings, HAProxySettings):
        dial, _ = _haproxy(settings, tools)
        await dial.home()
        await dial.evict()
        return
    knob = _knob(settings, tools)
    if await knob.share() > 0:
        await knob.set_share(0.0)
    await knob.evict()


async def share_now(settings: TrafficSettings, tools: Tools) -> float:
    """The share as the target has it: proof that it can be reached. Raises ConfigError, SourceError."""
    if isinstance(settings, HAProxySettings):
        return (await _haproxy(settings, tools)[0].look()).share
    return await _knob(settings, tools).share()


def _knob(settings: EnvoySettings | _Watched, tools: Tools) -> Knob:
    if isinstance(settings, EnvoySettings):
        return EnvoyKnob(settings.name, envoy_admin(settings, tools.client))
    return _parts(settings, tools)[0]


def _haproxy(settings: HAProxySettings, tools: Tools) -> tuple[HAProxyDial, HAProxyCounter]:
    web = Web(source=f"{settings.name} clock", client=tools.client, deadline=settings.timeout)
    return haproxy(settings, web, tools.clock, tools.mark)


def _parts(settings: _Watched, tools: Tools) -> tuple[Knob, Releases]:
    match settings:
        case NginxSettings():
            web = Web(source=f"{settings.name} nginx", client=tools.client, deadline=settings.timeout)
            return NginxKnob(settings, web, tools.clock), tools.platform(settings)
        case CommandSettings():
            commands = Commands(settings, tools.clock)
            return commands, commands
        case AlbSettings():
            aws = Aws(settings, tools.client)
            return AlbKnob(settings, aws), _alb_releases(settings, aws, tools)
        case LambdaSettings() | FlagFileSettings() | LaunchDarklySettings() | UnleashSettings():
            arms = _switched(settings, tools)
            return arms, arms
        case _:
            return _in_cluster(settings, tools)


def _in_cluster(settings: _InCluster, tools: Tools) -> tuple[Knob, Releases]:
    token = tools.secret(settings.token_env)
    cluster = Cluster(settings, tools.client, token)
    match settings:
        case KubernetesSettings():
            return PodKnob(settings, cluster), DeploymentArms(settings, cluster, tools.clock)
        case GatewaySettings():
            return RouteKnob(settings, cluster), DeploymentArms(settings, cluster, tools.clock)
        case ArgoSettings():
            rollout = ArgoRollout(settings, cluster, tools.clock)
            return rollout, rollout
        case FlaggerSettings():
            canary = FlaggerCanary(settings, cluster, tools.client, tools.clock)
            return canary, canary
        case _:
            assert_never(settings)


def _switched(settings: _Switched, tools: Tools) -> SwitchArms:
    match settings:
        case LambdaSettings():
            alias = LambdaAlias(settings, Aws(settings, tools.client))
            return SwitchArms(alias, alias.reversal)
        case FlagFileSettings():
            return SwitchArms(FlagFile(settings))
        case LaunchDarklySettings():
            return SwitchArms(LaunchDarkly(settings, tools.client, tools.needed(settings.secret_env)))
        case UnleashSettings():
            return SwitchArms(Unleash(settings, tools.client, tools.needed(settings.secret_env)))
        case _:
            assert_never(settings)


def _alb_releases(settings: AlbSettings, aws: Aws, tools: Tools) -> Releases:
    if settings.ecs is not None:
        return EcsArms(settings, settings.ecs, aws, tools.clock)
    given = settings.model_dump(include=set(PlatformSettings.model_fields))
    return tools.platform(PlatformSettings.model_validate(given))


def _scheduled(settings: _Watched, dial: Dial, knob: Knob, tools: Tools) -> Dial:
    """With a schedule in AWS beside the watchdog, where a role for it is given."""
    if isinstance(settings, ScheduledSettings) and settings.revert_role_arn:
        assert isinstance(knob, Reversible), "what AWS moves, AWS can take back"
        schedule = Schedule(settings, Aws(settings, tools.client), tools.clock)
        return ScheduledDial(dial, knob, schedule)
    return dial


def _counter(settings: _Watched, releases: Releases, tools: Tools) -> Counter:
    if isinstance(settings, NginxSettings):
        return nginx_log(settings, tools.clock)
    if settings.counters is not None:
        return tools.counted(settings.name, settings.counters)
    assert isinstance(releases, Commands), "only commands may count themselves"
    return releases


def _way(settings: _Watched, knob: Knob, tools: Tools) -> Way:
    """How the watchdog brings traffic home: its own quick way, else a command that stands by."""
    if isinstance(knob, NginxKnob | Commands):
        return knob.way()
    return Way(command=_standby(settings, tools.leases), standby=True)


def _standby(settings: _Watched, leases: Path) -> tuple[str, ...]:
    """The command, with settings of its own: no later edit of the configuration may stand in its way."""
    leases.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = leases.absolute() / f"{settings.name}.home.json"
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(settings.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
    fresh.replace(file)
    return (sys.executable, "-m", "steadyhand.adapters.rollouts.standby", str(file))
