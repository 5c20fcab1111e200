"""Logs of pods, from the Kubernetes API: every container of a service's pods, and its run before a restart.

A pod that is gone has taken its log along.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx2
from pydantic import Field, SecretStr, field_validator

from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, hash_of, line_of
from steadyhand.adapters.logs.text import read_text
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster, ClusterAccess, Json
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Slice
from steadyhand.ports import SourceError, SourceRefused

_PODS = "api/v1/pods"
_AT_ONCE = 4
_LABELS = re.compile(r"[\w./-]+=[\w.-]+(,[\w./-]+=[\w.-]+)*")


class KubernetesLogSettings(ClusterAccess, RemoteLogSettings):
    """Which pods are a service's: labels such as app=shop, with commas between them."""

    kind: Literal["kubernetes"]
    name: str = "kubernetes"
    most_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="Of one container's log.")

    @field_validator("services")
    @classmethod
    def _selectors(cls, services: dict[str, str]) -> dict[str, str]:
        for name, one in services.items():
            if not _LABELS.fullmatch(one):
                raise ValueError(f"{name}: write labels of its pods, such as app={name}")
        return services


@dataclass(frozen=True, slots=True)
class _Log:
    """The log of one container of one pod, or that of its run before the last restart."""

    pod: str
    container: str
    previous: bool = False

    @property
    def where(self) -> str:
        return f"{self.pod}/{self.container}{' before its restart' if self.previous else ''}"


class KubernetesStore:
    """A LogStore without counts. What a pod that is gone has logged is gone with it."""

    evenly = False

    def __init__(
        self, settings: KubernetesLogSettings, client: httpx2.AsyncClient, token: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._cluster = Cluster(settings, client, token)

    def finds(self, text: str) -> Finding:  # noqa: ARG002 - a LogStore's
        """It cannot: its lines are read and looked through here."""
        return ""

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:  # noqa: ARG002 - a LogStore's
        """It cannot count without reading."""
        return Counts(known=False)

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:  # noqa: ARG002 - a LogStore's
        """It knows none."""
        return ()

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """A page for each container. One that cannot be read is a gap, the others are read."""
        labels = dict(one.split("=", 1) for one in self._settings.services[service].split(","))
        logs = [log for pod in await self._cluster.find(_PODS, labels) for log in _logs(pod, wanted.window)]
        if not logs:
            wanted_labels = self._settings.services[service]
            why = f"no pod in {self._settings.namespace} has the labels {wanted_labels}"
            raise SourceRefused(self.name, why)
        turns = asyncio.Semaphore(_AT_ONCE)
        most = max(1, wanted.most // len(logs))
        reads = [asyncio.create_task(self._read(service, one, wanted.window, most, turns)) for one in logs]
        try:
            for one in asyncio.as_completed(reads):
                yield await one
        finally:
            for task in reads:
                task.cancel()

    async def _read(
        self, service: str, log: _Log, window: Window, most: int, turns: asyncio.Semaphore
    ) -> Batch:
        params = {
            "container": log.container,
            "sinceTime": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
            "timestamps": "true",
            "tailLines": str(most),
            "limitBytes": str(self._settings.most_bytes),
        }
        params |= {"previous": "true"} if log.previous else {}
        try:
            async with turns:
                raw = await self._cluster.text(_PODS, log.pod, "log", params)
        except SourceError as error:
            return Batch((), (f"{service}: {self.name}: {log.where}: {error.why}",))
        rows = raw.decode(errors="replace").splitlines()
        lines = [line for one in rows if (line := self._line(service, log, one))]
        cut = self._cut(service, log, raw, full=len(rows) >= most, lines=lines)
        return Batch(lines[::-1], cut, [log.where] * len(lines))

    def _cut(
        self, service: str, log: _Log, raw: bytes, *, full: bool, lines: Sequence[LogLine]
    ) -> tuple[str, ...]:
        span = f"{lines[0].at:%H:%M:%S} to {lines[-1].at:%H:%M:%S}" if lines else "nothing"
        if len(raw) >= self._settings.most_bytes or full:
            return (f"{service}: {self.name}: {log.where} holds more than may be read; {span} was",)
        return ()

    def _line(self, service: str, log: _Log, row: str) -> LogLine | None:
        stamp, _, rest = row.partition(" ")
        try:
            at = datetime.fromisoformat(stamp)
        except ValueError:
            return None  # the half of a line that a limit of bytes leaves
        text = read_text(rest)
        return line_of(
            at=at.replace(tzinfo=at.tzinfo or UTC),
            service=service,
            severity=text.severity,
            message=text.message,
            fields={**text.fields, "pod": log.pod, "container": log.container},
            ref=f"{self.name}:{log.pod}/{log.container}:{stamp}:{hash_of(rest)}",
        )


def _logs(pod: Json, window: Window) -> Sequence[_Log]:
    """The logs of a pod's containers; of one that restarted since the window began also the one before."""
    name = str(pod["metadata"]["name"])
    containers = [str(one["name"]) for one in (pod.get("spec") or {}).get("containers") or []]
    found = [_Log(name, one) for one in containers]
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    again = [one for one in statuses if one.get("restartCount") and _ended_in(one, window)]
    found.extend(_Log(name, str(one["name"]), previous=True) for one in again)
    return found


def _ended_in(status: Mapping[str, Json], window: Window) -> bool:
    ended = ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
    try:
        return ended is None or datetime.fromisoformat(str(ended)) >= window.start
    except (ValueError, TypeError):
        return True  # look rather than miss it
