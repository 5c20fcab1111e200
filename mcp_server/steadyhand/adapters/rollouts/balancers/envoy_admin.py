"""Envoy's administration door: the share of traffic in its runtime, and the counters of both arms."""

import json
import re
from collections.abc import Iterator, Sequence

from steadyhand.adapters.http import Answer, Web
from steadyhand.adapters.rollouts.histogram import quantile, slower_than
from steadyhand.journey.rollout.model import Counts
from steadyhand.ports import SourceRefused

_MILLION = 1_000_000
_DENOMINATORS = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": _MILLION}
_SAMPLE = re.compile(r"envoy_cluster_(?P<metric>upstream_rq_\w+)\{(?P<labels>[^}]*)\} (?P<value>\d+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class EnvoyAdmin:
    """Reads and sets one runtime key, and reads the statistics of clusters."""

    def __init__(self, web: Web, url: str, key: str) -> None:
        self._web = web
        self._url = url
        self._key = key

    async def share(self) -> float:
        """The canary arm's share, 0..1; 0 where nothing was set. Raises SourceError."""
        answer = self._must(await self._web.read(f"{self._url}/runtime"))
        found = answer.json()
        entries = found.get("entries") if isinstance(found, dict) else None
        if not isinstance(entries, dict):
            raise SourceRefused(self._web.source, "its runtime is not readable")
        value = entries.get(self._key, {}).get("final_value", "")
        share = share_of(value)
        if share is None:
            raise SourceRefused(
                self._web.source, f"the runtime key {self._key} holds {self._web.clean(value)!r}"
            )
        return share

    async def set_share(self, share: float) -> None:
        """Set it, and read it back. Raises SourceError, EffectUnknown."""
        value = runtime_value(share)
        self._must(await self._web.write(f"{self._url}/runtime_modify", params={self._key: value}))
        now = await self.share()
        if now != share_of(value):
            raise SourceRefused(self._web.source, f"the share was set to {share:g} and reads {now:g}")

    def by_hand(self) -> str:
        """The command with which a person sets the share to 0."""
        return f"curl -X POST '{self._url}/runtime_modify?{self._key}=0'"

    async def counts(self, clusters: Sequence[str], slow_ms: tuple[float, float]) -> list[Counts]:
        """Cumulative counters of these clusters, all of one answer. Raises SourceError."""
        samples = await self._statistics(clusters)
        return [self._counts(one, samples, slow_ms) for one in clusters]

    async def slow_limits(self, cluster: str) -> tuple[float, float] | None:
        """The cluster's p90 and p99 in ms; None before any answer. Raises SourceError."""
        buckets = _buckets(cluster, await self._statistics((cluster,)))
        p90, p99 = quantile(0.9, buckets), quantile(0.99, buckets)
        return None if p90 is None or p99 is None else (p90, p99)

    async def _statistics(self, clusters: Sequence[str]) -> "Sequence[_Sample]":
        names = "|".join(re.escape(one) for one in clusters)
        wanted = rf"^cluster\.({names})\.upstream_rq_(total|time|[1-5]xx)$"
        answer = self._must(await self._web.read(f"{self._url}/stats/prometheus", {"filter": wanted}))
        return list(_samples(answer.body.decode(errors="replace")))

    def _counts(self, cluster: str, samples: "Sequence[_Sample]", slow_ms: tuple[float, float]) -> Counts:
        mine = [
            (metric, labels, value) for metric, labels, value in samples if labels.get(_CLUSTER) == cluster
        ]
        if not any(metric == "upstream_rq_total" for metric, _, _ in mine):
            raise SourceRefused(self._web.source, f"it has no cluster {cluster!r}")
        classes = {labels[_CLASS]: value for metric, labels, value in mine if metric == "upstream_rq_xx"}
        buckets = _buckets(cluster, samples)
        return Counts(
            requests=sum(classes.values()),
            errors=classes.get("5", 0),
            slow90=slower_than(slow_ms[0], buckets),
            slow99=slower_than(slow_ms[1], buckets),
        )

    def _must(self, answer: Answer) -> Answer:
        if not answer.ok:
            raise self._web.refusal(answer)
        return answer


_CLUSTER, _CLASS = "envoy_cluster_name", "envoy_response_code_class"
_Sample = tuple[str, dict[str, str], int]


def runtime_value(share: float) -> str:
    """The runtime value for a share of 0..1, exact to a millionth.

    A bare number would mean percent whatever denominator the route names; this form carries its own.
    Without blanks: Envoy does not decode "+", and what it cannot parse silently means the route's default.
    """
    parts = {"numerator": round(share * _MILLION), "denominator": "MILLION"}
    return json.dumps(parts, separators=(",", ":")) if share else "0"


def share_of(value: str) -> float | None:
    """The share Envoy makes of a runtime value; None for what only its route's default could tell."""
    if not value:
        return 0.0
    try:
        decoded = json.loads(value)
    except ValueError:
        return None
    match decoded:
        case bool():
            return None
        case int() as percent:
            return min(percent, 100) / 100
        case {"numerator": int() as numerator, "denominator": str() as per} if per in _DENOMINATORS:
            return min(1.0, numerator / _DENOMINATORS[per])
        case _:
            return None


def _buckets(cluster: str, samples: "Sequence[_Sample]") -> list[tuple[float, int]]:
    """The cluster's answers by upper bound in ms, cumulative."""
    return [
        (float(labels["le"]), value)
        for metric, labels, value in samples
        if metric.endswith("_bucket") and labels.get(_CLUSTER) == cluster
    ]


def _samples(text: str) -> Iterator[_Sample]:
    for found in _SAMPLE.finditer(text):
        yield found["metric"], dict(_LABEL.findall(found["labels"])), int(found["value"])
