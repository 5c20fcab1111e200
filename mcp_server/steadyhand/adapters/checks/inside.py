"""Checks of what services run on: numbers against limits, databases, pods."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from steadyhand.adapters.checks.settings import MetricSettings, PodsSettings
from steadyhand.adapters.rollouts.kubernetes.cluster import Cluster
from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.ports import DatabaseProbe, MetricSource

_FULL = 0.9
_OLD_S = 300.0
_MOST = 6


class MetricCheck:
    """One number of a metrics system against its limit."""

    kind: CheckKind = "metric"

    def __init__(self, settings: MetricSettings, source: MetricSource) -> None:
        self.target, self.what = settings.target, settings.what
        self._settings = settings
        self._source = source

    async def run(self, at: datetime) -> Finding:
        """The number now. No sample is no answer. Raises SourceError."""
        one = self._settings
        value = await self._source.value(one.expression, at)
        if value is None:
            return Finding(fine=None, words="no sample: not known, which is not the same as fine")
        fine = (one.least is None or value >= one.least) and (one.most is None or value <= one.most)
        bounds = {"at least": one.least, "at most": one.most}
        limits = " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)
        shown = f"{value:.4g} {one.unit}".strip()
        return Finding(fine=fine, words=f"{shown}, limit {limits} {one.unit}".strip())


class DatabaseCheck:
    """Connections, old transactions, waits and lag of a database that is connected for reading."""

    kind: CheckKind = "database"

    def __init__(self, probe: DatabaseProbe) -> None:
        self.target, self.what = probe.name, "its own views"
        self._probe = probe

    async def run(self, at: datetime) -> Finding:
        """One look, in short; inspect_database has it whole."""
        report = await self._probe.look(at)
        if report.saw_nothing:
            return Finding(fine=False, words="; ".join(report.gaps)[:300] or "nothing could be seen")
        used, most = len(report.sessions), report.max_connections
        oldest = max((one.transaction_s for one in report.sessions), default=0.0)
        waiting = sum(1 for one in report.sessions if one.blocked_by)
        wrong = [
            *(["connections nearly used up"] if most and used > _FULL * most else []),
            *([f"a transaction is open for {oldest:.0f} s"] if oldest > _OLD_S else []),
            *([f"{waiting} sessions wait for locks"] if waiting else []),
            *(report.file.problems if report.file else ()),
        ]
        figures = {
            "connections": f"{used}" + (f" of {most}" if most else ""),
            "oldest transaction": f"{oldest:.0f} s",
            "waiting": f"{waiting}",
        }
        return Finding(fine=not wrong, words="; ".join(wrong) or "nothing stands out", figures=figures)


class PodsCheck:
    """Whether pods are ready, how often they were restarted, and what they wait for."""

    kind: CheckKind = "pods"

    def __init__(self, settings: PodsSettings, cluster: Cluster) -> None:
        self.target = settings.target
        self.what = f"{settings.namespace}/{','.join(f'{k}={v}' for k, v in sorted(settings.labels.items()))}"
        self._settings = settings
        self._cluster = cluster

    async def run(self, at: datetime) -> Finding:  # noqa: ARG002 - it tells what is now
        """All pods with these labels. Raises SourceError."""
        pods = await self._cluster.find("api/v1/pods", self._settings.labels)
        sick = [(str(one["metadata"]["name"]), _why(one)) for one in pods]
        named = [f"{name}: {why}" for name, why in sick if why]
        restarts = sum(_restarts(one) for one in pods)
        more = f" and {len(named) - _MOST} more" if len(named) > _MOST else ""
        return Finding(
            fine=bool(pods) and not named,
            words=("; ".join(named[:_MOST]) + more) or ("all ready" if pods else "there is no such pod"),
            figures={"ready": f"{len(pods) - len(named)} of {len(pods)}", "restarts": f"{restarts}"},
        )


def _statuses(pod: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = (pod.get("status") or {}).get("containerStatuses") or ()
    return [one for one in found if isinstance(one, dict)]


def _restarts(pod: Mapping[str, Any]) -> int:
    return sum(int(one.get("restartCount") or 0) for one in _statuses(pod))


def _why(pod: Mapping[str, Any]) -> str:
    """Why it is not ready, "" when it is."""
    status = pod.get("status") or {}
    conditions = status.get("conditions") or ()
    if any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions):
        return ""
    for one in _statuses(pod):
        waiting = (one.get("state") or {}).get("waiting") or {}
        ended = (one.get("lastState") or {}).get("terminated") or {}
        if waiting or ended:
            reasons = (waiting.get("reason"), f"last ended: {ended['reason']}" if ended.get("reason") else "")
            return ", ".join(str(reason) for reason in reasons if reason)[:120]
    unmet: Mapping[str, Any] = next(
        (one for one in conditions if one.get("status") == "False" and one.get("reason")), {}
    )
    return str(unmet.get("reason") or status.get("phase") or "not ready")[:120]
