"""A world's sampled traces as the OpenTelemetry collector exports them: OTLP JSON, a trace on a line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import exp
from random import Random
from typing import Any

from steadyhand.evaluation.worlds.course import CALM, SHARE, SPREAD, STEP_S
from steadyhand.evaluation.worlds.emit import START
from steadyhand.evaluation.worlds.story import Story

_KEPT = 60  # calm steps that are still in the store
_TYPICAL, _WIDE = 0.55, 0.36  # of one answer's time, log-normal: median by the 95th percentile, and sigma
_HUSHED = 0.2  # of the calls of one who returns early
_SERVER, _CLIENT = 2, 3
_FAILED = 2
Json = dict[str, Any]


def exported(story: Story, until: int, chance: Random, each: int, dark: frozenset[str]) -> Iterator[str]:
    """So many whole traces of each step, of those that were over by the end of `until`.

    The `dark` are not instrumented: of them only their callers' spans tell.
    """
    for step in range(CALM - _KEPT, until + 1):
        for number in range(each):
            begun = STEP_S * (step + chance.random())
            trace = _Trace(story, chance, dark, step, f"{step:024x}{number:08x}")
            took, _ = trace.answered(story.world.front, begun, "")
            if begun + took <= STEP_S * (until + 0.5):
                yield json.dumps({"resourceSpans": [_process(*one) for one in trace.spans.items()]})


def _process(service: str, spans: list[Json]) -> Json:
    return {
        "resource": {"attributes": [_told("service.name", service)]},
        "scopeSpans": [{"spans": spans}],
    }


def _told(key: str, text: str) -> Json:
    return {"key": key, "value": {"stringValue": text}}


@dataclass
class _Trace:
    """One request through the world; seconds count from its start."""

    story: Story
    chance: Random
    dark: frozenset[str]
    step: int
    id: str
    spans: dict[str, list[Json]] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    made: int = 0

    @property
    def _broken(self) -> bool:
        return self.step >= self.story.onset

    def answered(self, name: str, begun: float, parent: str) -> tuple[float, bool]:
        """A service answers, and asks others for it; returns how long it took, and whether it failed."""
        course, me = self.story.course, self._new()
        took, failed = self._around(course.own[name][self.step]), self._by(course.failing[name][self.step])
        callees = () if name in self.path else self.story.world.calls[name]  # a cycle is gone round once
        self.path.append(name)
        for callee in callees:
            for _ in range(self._times(name, callee)):
                waited, bad = self._asked(name, callee, begun + took, me)
                took += waited
                failed = failed or (bad and self._by(SPREAD))
        self.path.pop()
        span = self._span(me, parent, begun, took, failed=failed)
        self._keep(name, {**span, "name": f"handle {name}", "kind": _SERVER})
        return took, failed

    def _times(self, caller: str, callee: str) -> int:
        """How often it asks this time: it makes a share of its calls, and tries some again."""
        share = SHARE * (_HUSHED if self._broken and caller in self.story.hushed else 1)
        if self.chance.random() >= share:
            return 0
        return self.story.again.get((caller, callee), 1) if self._broken else 1

    def _asked(self, caller: str, callee: str, begun: float, parent: str) -> tuple[float, bool]:
        """One call as its caller sees it; returns how long it took, and whether it failed."""
        course, me, step = self.story.course, self._new(), self.step
        wire = self._around(course.wire[caller, callee][step])
        if self._tells(callee):
            took, failed = self.answered(callee, begun + wire / 2, me)
        else:
            took, failed = self._around(course.latency[callee][step]), self._by(course.errors[callee][step])
        failed = failed or self._by(course.lost[caller, callee][step])
        span = self._span(me, parent, begun, wire + took, failed=failed)
        told = [_told(key, text) for key, text in self._peer(callee)]
        self._keep(caller, {**span, "name": f"call {callee}", "kind": _CLIENT, "attributes": told})
        return wire + took, failed

    def _tells(self, name: str) -> bool:
        """Whether it is a service that writes spans just then."""
        silent = self._broken and name in self.story.muted
        return name in self.story.world.services and name not in self.dark and not silent

    def _peer(self, name: str) -> Iterator[tuple[str, str]]:
        world = self.story.world
        if name in world.databases or name in world.caches:
            yield "db.system.name", "postgresql" if name in world.databases else "redis"
        yield "server.address" if name in world.outsiders else "peer.service", name

    def _new(self) -> str:
        self.made += 1
        return f"{self.made:016x}"

    def _around(self, high: float) -> float:
        """A time whose 95th percentile this is."""
        return high * _TYPICAL * exp(self.chance.gauss(0, _WIDE))

    def _by(self, share: float) -> bool:
        return self.chance.random() < share

    def _span(self, me: str, parent: str, begun: float, took: float, *, failed: bool) -> Json:
        status = {"code": _FAILED} if failed else {}
        return {
            "traceId": self.id,
            "spanId": me,
            "parentSpanId": parent,
            "startTimeUnixNano": begun,
            "endTimeUnixNano": begun + took,
            "status": status,
        }

    def _keep(self, service: str, span: Json) -> None:
        """As the service's own clock stamps it."""
        zero = START.timestamp() + self.story.skewed.get(service, 0.0)
        for key in ("startTimeUnixNano", "endTimeUnixNano"):
            span[key] = str(int((zero + span[key]) * 1e6) * 1000)
        self.spans.setdefault(service, []).append(span)
