"""Signals of what is asked of whom: demand, scarcity, retries, and who feels it."""

import re
from dataclasses import dataclass

from steadyhand.journey.diagnosis.scene import HARM, Scene, earliest, ids, is_own, number, speaks_of
from steadyhand.journey.diagnosis.signals.signal import Signal
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item

_MOSTLY = 0.5
_AMPLIFIED = 1.5  # times as many calls per request
_RETRIES = ("retry", "retri", "attempt", "backoff", "circuit", "breaker", "reconnect", "resend", "hedg")


def together(scene: Scene) -> tuple[Item, ...]:
    """Signs that several services take more processor time since about one instant."""
    return tuple(one for one in scene.shown("resource") if "services" in one.facts)


def _busy_together(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(one for one in together(scene) if one.entity == suspect.entity)


def _asked_together(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    del suspect  # what is asked of all says the same of each
    return ids(one for one in together(scene) if number(one, "asked_more") > _MOSTLY)


def _nobody_feels_it(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """The alerting service suffers, and neither the suspect nor a call to it does."""
    if suspect.entity == scene.page.service or scene.kind(suspect.entity) != "service":
        return ()
    return () if scene.shown(*HARM, about=suspect.entity) else ids(scene.harm)


def _nobody_suffers(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """More is done or kept somewhere, and no answer is slower, fails or waits."""
    del suspect  # it says the same of each
    return () if scene.felt else ids(scene.symptoms)


@dataclass(frozen=True)
class Amplified:
    """A callee of which more is asked for each request of its callers than before."""

    times: float
    items: tuple[Item, ...]


def amplified(scene: Scene) -> dict[str, Amplified]:
    """The callees whose calls multiply, set against the requests of each caller itself."""
    found: dict[str, Amplified] = {}
    for one in scene.shown("traffic"):
        callee = one.facts.get("target", "")
        times = _growth(one) / max(_requests(one.entity, scene), 1.0)
        if callee and callee != one.entity and one.direction == "up" and times >= _AMPLIFIED:
            known = found.get(callee, Amplified(0.0, ()))
            found[callee] = Amplified(max(known.times, times), (*known.items, one))
    return found


def _growth(item: Item) -> float:
    """How many times as much as in calm; of an item without numbers all that is known is that it rose."""
    return item.now / item.normal if item.now is not None and item.normal else _AMPLIFIED


def _requests(name: str, scene: Scene) -> float:
    own = (one for one in scene.shown("traffic", about=name) if is_own(one) and one.direction == "up")
    return max((_growth(one) for one in own), default=1.0)


def _calls_multiply(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    known = amplified(scene).get(suspect.entity)
    return ids(known.items) if known else ()


def _retries_are_told(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    who = {suspect.entity, *scene.topology.callers(suspect.entity)}
    said = (one for one in scene.shown("new_log", "log_rate") if one.direction in {"new", "up"})
    return ids(one for one in said if one.entity in who and _speaks_of_retries(one))


def _speaks_of_retries(item: Item) -> bool:
    words = re.split(r"[^a-z0-9]+", item.facts.get("template", "").lower())
    return any(word.startswith(_RETRIES) for word in words)


def _trouble_came_first(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    """What made the first calls fail: it was slow or failed no later than its calls multiplied."""
    known = amplified(scene).get(suspect.entity)
    began = earliest(known.items) if known else None
    if began is None:
        return ()
    sick = scene.shown("latency", "errors", "up", about=suspect.entity)
    return ids(one for one in sick if one.onset is not None and one.onset.lo <= began.hi)


def _its_callers_suffer(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    callers = scene.topology.callers(suspect.entity)
    others = (one for one in scene.shown(*HARM) if not speaks_of(one, suspect.entity))
    return ids(one for one in others if one.entity in callers)


SIGNALS = (
    Signal(
        "busy_together",
        "several services that share it are busier since one instant",
        "metric",
        _busy_together,
    ),
    Signal("asked_together", "more is asked of most services that are busier", "metric", _asked_together),
    Signal("calls_multiply", "more calls are made to it for each request", "metric", _calls_multiply),
    Signal("retries_are_told", "the logs speak of retries", "log", _retries_are_told),
    Signal(
        "trouble_came_first",
        "it was slow or failed before its calls multiplied",
        "metric",
        _trouble_came_first,
        effect=True,
    ),
    Signal("its_callers_suffer", "who calls it suffers", "metric", _its_callers_suffer, effect=True),
    Signal("nobody_suffers", "no answer anywhere is slower, fails or waits", "metric", _nobody_suffers),
    Signal(
        "nobody_feels_it", "users suffer, and neither it nor the calls to it do", "metric", _nobody_feels_it
    ),
)
