"""Rollouts, scalings and scheduled runs of a Kubernetes namespace, from its ReplicaSets, events and Jobs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.changes.manifests import difference, lines_of
from steadyhand.adapters.changes.places import cut, first_line, instant, short, stable_id, within
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster, ClusterSettings
from steadyhand.journey.evidence.model import Change, Window

_REVISION = "deployment.kubernetes.io/revision"
_CAUSE = "kubernetes.io/change-cause"
_SCALED = re.compile(
    r"Scaled (?P<way>up|down) replica set (?P<set>\S+) (?:from (?P<before>\d+) )?to (?P<after>\d+)"
)
_RESIZED = re.compile(r"New size: (?P<after>\d+)(?:; reason: (?P<why>.*))?")
Row = Mapping[str, Any]


class KubernetesChangeSettings(ClusterSettings):
    """One namespace; the token needs get and list on replicasets, events and jobs."""

    kind: Literal["kubernetes"]
    name: str = Field(default="kubernetes", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    services: dict[str, str] = Field(
        default={}, description="Service -> its Deployment or CronJob; those of the same name need no entry."
    )


class KubernetesChanges:
    """A ChangeSource over the API server. It keeps events for an hour unless told otherwise."""

    def __init__(
        self, settings: KubernetesChangeSettings, client: httpx2.AsyncClient, token: SecretStr | None
    ) -> None:
        self.name = settings.name
        self._cluster = Cluster(settings, client, token)
        self._owners = {owner: service for service, owner in settings.services.items()}

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """What began in the window. Raises SourceError."""
        sets = await self._cluster.find("apis/apps/v1/replicasets")
        events = await self._cluster.find("api/v1/events")
        jobs = await self._cluster.find("apis/batch/v1/jobs")
        found = [*self._rollouts(sets), *self._scalings(events, sets), *self._runs(jobs)]
        return within([one for one in found if one.service in services], window)

    async def diff(self, change: Change) -> str:
        """Both pod templates compared. Raises SourceError."""
        before, _, after = change.handle.partition("...")
        if not after:
            return ""
        sets = {_name(one): one for one in await self._cluster.find("apis/apps/v1/replicasets")}
        old, new = (sets.get(one, {}).get("spec", {}).get("template") or {} for one in (before, after))
        return cut(difference(lines_of(old), lines_of(new), before, after)) if old and new else ""

    def _service(self, owner: str) -> str:
        return self._owners.get(owner, owner)

    def _rollouts(self, sets: Sequence[Row]) -> Iterator[Change]:
        """A ReplicaSet for each revision of a Deployment's pod template."""
        for owner, mine in _by_owner(sets, "Deployment").items():
            ordered = sorted(mine, key=_revision)
            for before, one in zip([{}, *ordered], ordered, strict=False):
                made = instant(one["metadata"].get("creationTimestamp"))
                if made is not None:
                    yield Change(
                        id=stable_id(self.name, "rollout", one["metadata"].get("uid") or _name(one)),
                        service=self._service(owner),
                        kind="config" if before and _images(before) == _images(one) else "code",
                        version=_images(one),
                        previous=_images(before) if before else "",
                        summary=_cause(one) or f"revision {_revision(one)} of Deployment {owner}",
                        source=self.name,
                        handle=f"{_name(before)}...{_name(one)}" if before else "",
                        replicas=(one.get("spec") or {}).get("replicas"),
                        started_at=made,
                    )

    def _scalings(self, events: Sequence[Row], sets: Sequence[Row]) -> Iterator[Change]:
        """Other sizes, and a return to an older ReplicaSet, which is made no second time."""
        made = {_name(one): instant(one["metadata"].get("creationTimestamp")) for one in sets}
        for one in events:
            at = _at(one)
            about = one.get("involvedObject") or one.get("regarding") or {}
            words = str(one.get("message") or one.get("note") or "")
            scaled, resized = _SCALED.search(words), _RESIZED.search(words)
            if at is None or not (scaled or resized):
                continue
            born = made.get(scaled["set"]) if scaled else None
            if scaled and (scaled["way"] == "down" or (born and abs((at - born).total_seconds()) < 60)):  # noqa: PLR2004
                continue  # part of a rollout that is told already
            found = scaled or resized
            assert found is not None
            yield Change(
                id=stable_id(self.name, "scaling", one["metadata"].get("uid") or _name(one)),
                service=self._service(str(about.get("name", ""))),
                kind="scaling",
                version=found["after"],
                previous=(scaled["before"] or "") if scaled else "",
                author=str(
                    (one.get("source") or {}).get("component") or one.get("reportingController") or ""
                ),
                summary=first_line(words),
                source=self.name,
                replicas=int(found["after"]),
                started_at=at,
            )

    def _runs(self, jobs: Sequence[Row]) -> Iterator[Change]:
        """A Job that a CronJob started."""
        for owner, mine in _by_owner(jobs, "CronJob").items():
            for one in mine:
                status = one.get("status") or {}
                began = instant(status.get("startTime"))
                if began is not None:
                    failed = " (failed)" if status.get("failed") else ""
                    yield Change(
                        id=stable_id(self.name, "run", one["metadata"].get("uid") or _name(one)),
                        service=self._service(owner),
                        kind="schedule",
                        version=_name(one)[:100],
                        author="cron",
                        summary=f"scheduled run of CronJob {owner}{failed}",
                        source=self.name,
                        started_at=began,
                        finished_at=instant(status.get("completionTime")),
                    )


def _by_owner(objects: Sequence[Row], kind: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for one in objects:
        owners = one["metadata"].get("ownerReferences") or ()
        owner = next((other["name"] for other in owners if other.get("kind") == kind), "")
        if owner:
            found.setdefault(owner, []).append(one)
    return found


def _name(one: Row) -> str:
    return str((one.get("metadata") or {}).get("name", ""))


def _revision(one: Row) -> int:
    text = str((one["metadata"].get("annotations") or {}).get(_REVISION, "0"))
    return int(text) if text.isdigit() else 0


def _cause(one: Row) -> str:
    return first_line((one["metadata"].get("annotations") or {}).get(_CAUSE))


def _images(one: Row) -> str:
    """The versions of the pod's containers."""
    spec = ((one.get("spec") or {}).get("template") or {}).get("spec") or {}
    tags = (str(item.get("image", "")).rpartition("/")[2] for item in spec.get("containers") or ())
    return short("+".join(tag.partition(":")[2] or tag for tag in tags))


def _at(event: Row) -> datetime | None:
    series = (event.get("series") or {}).get("lastObservedTime")
    return instant(
        series or event.get("eventTime") or event.get("lastTimestamp") or event.get("firstTimestamp")
    )
