"""Signals that lie in the course of measured numbers."""

import re
from collections.abc import Iterable
from datetime import timedelta

from steadyhand.journey.diagnosis.scene import Scene, earliest, ids, is_hit_share, is_own, speaks_of
from steadyhand.journey.diagnosis.signals.signal import Signal
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item, Onset

_FEWER = frozenset({"down", "gone"})
_NEARLY_NONE = 0.5
_SOON = timedelta(minutes=1)
_PAIN = frozenset({"latency", "errors", "up"})
_MEMORY = frozenset({"memory", "mem", "rss", "heap", "resident"})
_CPU = frozenset({"cpu"})
_CACHE = frozenset({"cache", "hit", "hits", "miss", "misses"})


def _words(item: Item) -> set[str]:
    """The words of a metric's name and labels, by any naming convention."""
    text = f"{item.facts.get('metric', '')} {item.facts.get('labels', '')}"
    return set(re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()))


def _sufferer(scene: Scene, suspect: Suspect) -> str:
    """The service whose pool and queue tell: the suspect itself, or the one that alerts."""
    return suspect.entity if suspect.kind == "service" else scene.page.service


def _filling(scene: Scene, suspect: Suspect, shape: str) -> tuple[Item, ...]:
    """What fills up at the sufferer, and the idle sessions its database counts."""
    own = scene.shown("saturation", about=_sufferer(scene, suspect))
    database = suspect.facts.get("database")
    idle = scene.shown("saturation", about=database) if database and suspect.kind == "service" else ()
    filling = (*own, *(one for one in idle if "idle" in _words(one)))
    return tuple(one for one in filling if one.direction == "up" and one.facts.get("shape") == shape)


def _saturation_ramps(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(_filling(scene, suspect, "ramp"))


def _saturation_steps(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """A jump; not where something else fills steadily, for then the jump is only its coarse picture."""
    return () if _filling(scene, suspect, "ramp") else ids(_filling(scene, suspect, "step"))


def _callers_wait(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    waiting = scene.shown("waiting", about=_sufferer(scene, suspect))
    return ids(one for one in waiting if one.direction in {"up", "new"})


def _shows_it(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """Its symptoms; where it suffers, without resources that moved well before: a heap, a job of its own."""
    own = [one for one in scene.symptoms if speaks_of(one, suspect.entity)]
    suffering = earliest(one for one in own if one.role in _PAIN)
    return ids(one for one in own if suffering is None or not _long_before(one, suffering))


def _long_before(item: Item, suffering: Onset) -> bool:
    quiet = item.role in {"resource", "saturation", "work"} and item.facts.get("shape") != "ramp"
    return quiet and item.onset is not None and item.onset.hi < suffering.lo - _SOON


def _answers_slow(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    del suspect  # it is the alerting service's answers that users feel
    return ids(one for one in scene.harm if one.role == "latency" and one.direction == "up")


def _answers_fail(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    del suspect  # same
    return ids(one for one in scene.harm if one.role == "errors" and one.direction in {"up", "new"})


def _in_time(scene: Scene, items: Iterable[Item]) -> tuple[Item, ...]:
    """Those that began no later than the caller began to suffer.

    A target that goes quiet long after its caller filled up is a victim: nobody is left to call it.
    """
    suffering = earliest(one for one in scene.shown("saturation", "waiting", "errors") if is_own(one))
    if suffering is None:
        return tuple(items)
    return tuple(one for one in items if one.onset is not None and _not_after(one, suffering, scene))


def _silent_first(scene: Scene, target: str) -> tuple[Item, ...]:
    """Calls to the target that stopped being answered, in time to be the cause."""
    traffic = scene.shown("traffic", about=target)
    return _in_time(scene, (one for one in traffic if one.direction in _FEWER))


def _hanging(scene: Scene, target: str) -> tuple[Item, ...]:
    """Calls to the target that stay open, in time to be the cause; not where more calls explain it."""
    if any(one.direction == "up" for one in scene.shown("traffic", about=target)):
        return ()
    calls = (one for one in scene.shown("saturation", "waiting", about=target) if not is_own(one))
    return _in_time(scene, (one for one in calls if one.direction in {"up", "new"}))


def _target_silent_first(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(_silent_first(scene, suspect.entity))


def _calls_hang(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(_hanging(scene, suspect.entity))


def third_parties(scene: Scene) -> tuple[str, ...]:
    """Outside services nearby: those the topology names, and targets of calls that it does not know."""
    seen = {one.facts.get("target", "") for one in scene.page.items}
    unknown = sorted(name for name in seen if name and scene.kind(name) is None)
    return (*scene.of_kind("third_party"), *unknown)


def _a_target_is_silent(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    others = (name for name in third_parties(scene) if name != suspect.entity)
    found = (item for name in others for item in (*_silent_first(scene, name), *_hanging(scene, name)))
    return ids(found)


def _target_slow(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in scene.shown("latency", about=suspect.entity) if one.direction == "up")


def _target_fails(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    failing = scene.shown("errors", "up", about=suspect.entity)
    return ids(one for one in failing if one.role == "up" or one.direction in {"up", "new"})


def _target_unremarkable(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """Nothing measured points at the target; the evidence is all that points elsewhere."""
    strange = scene.shown("latency", "errors", "up", about=suspect.entity)
    if strange or _silent_first(scene, suspect.entity) or _hanging(scene, suspect.entity):
        return ()
    return ids(scene.symptoms)


def _cache_is_down(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in scene.shown("up", about=suspect.entity) if _is_dead(one))


def _is_dead(item: Item) -> bool:
    """Down; or, of a share of hits, nearly none of them left."""
    if is_hit_share(item) and item.now is not None and item.normal is not None:
        return item.direction in _FEWER and item.now <= _NEARLY_NONE * item.normal
    return item.direction in _FEWER


def _misses_jump(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    lasting = (one for one in scene.shown("work", "up") if one.facts.get("shape") != "spike")
    worse = (one for one in lasting if (one.role == "up") is (one.direction in _FEWER))
    return ids(one for one in worse if speaks_of(one, suspect.entity) or _words(one) & _CACHE)


def _a_cache_is_gone(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    others = (name for name in scene.of_kind("cache") if name != suspect.entity)
    gone = (one for name in others for one in scene.shown("up", about=name))
    return ids(one for one in gone if _is_dead(one))


def _memory_ramps(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    used = scene.shown("resource", about=suspect.entity)
    return ids(
        one
        for one in used
        if one.direction == "up" and one.facts.get("shape") == "ramp" and _words(one) & _MEMORY
    )


def burning(scene: Scene) -> tuple[Item, ...]:
    """Signs that something uses far more processor time than before."""
    used = (one for one in scene.shown("resource") if one.facts.get("shape") != "spike")
    return tuple(one for one in used if one.direction == "up" and _words(one) & _CPU)


def _cpu_jumps(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in burning(scene) if speaks_of(one, suspect.entity))


def _cpu_jumps_elsewhere(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """A process no service of ours depends on, busy before anybody here suffered."""
    suffering = earliest(scene.harm)
    strangers = (one for one in burning(scene) if scene.kind(one.entity) is None)
    before = (one for one in strangers if _not_after(one, suffering, scene))
    return ids(one for one in before if suspect.change is not None or speaks_of(one, suspect.entity))


def _traffic_jumps_first(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    suffering = earliest(scene.harm)
    more = (one for one in scene.shown("traffic", about=suspect.entity) if is_own(one))
    return ids(one for one in more if one.direction == "up" and _not_after(one, suffering, scene))


def _not_after(item: Item, effect: Onset | None, scene: Scene) -> bool:
    if effect is None or item.onset is None:
        return True
    return item.onset.lo <= effect.hi + scene.rule.onset_allowance


SIGNALS = (
    Signal("shows_it", "it shows symptoms of its own", "metric", _shows_it),
    Signal("saturation_ramps", "a bounded resource fills up steadily", "metric", _saturation_ramps),
    Signal("saturation_steps", "a bounded resource is full at one stroke", "metric", _saturation_steps),
    Signal("callers_wait", "callers queue", "metric", _callers_wait, effect=True),
    Signal("answers_slow", "the alerting service answers slowly", "metric", _answers_slow, effect=True),
    Signal("answers_fail", "the alerting service fails requests", "metric", _answers_fail, effect=True),
    Signal(
        "target_silent_first",
        "its answers stopped no later than the caller began to suffer",
        "metric",
        _target_silent_first,
    ),
    Signal("calls_hang", "calls to it stay open without an answer", "metric", _calls_hang),
    Signal(
        "a_target_is_silent",
        "an outside service stopped answering no later than the caller began to suffer",
        "metric",
        _a_target_is_silent,
    ),
    Signal("target_slow", "its answers take longer", "metric", _target_slow),
    Signal("target_fails", "its answers are failures", "metric", _target_fails),
    Signal("target_unremarkable", "nothing measured points at it", "metric", _target_unremarkable),
    Signal("cache_is_down", "it is down or hits nothing", "metric", _cache_is_down),
    Signal("misses_jump", "cache misses jump", "metric", _misses_jump),
    Signal("a_cache_is_gone", "a cache is down", "metric", _a_cache_is_gone),
    Signal("memory_ramps", "its memory grows steadily", "metric", _memory_ramps),
    Signal("cpu_jumps", "its processor time jumps", "metric", _cpu_jumps),
    Signal(
        "cpu_jumps_elsewhere",
        "a process outside the known services took the processor before anybody suffered",
        "metric",
        _cpu_jumps_elsewhere,
    ),
    Signal(
        "traffic_jumps_first", "more requests came before anything else moved", "metric", _traffic_jumps_first
    ),
)
