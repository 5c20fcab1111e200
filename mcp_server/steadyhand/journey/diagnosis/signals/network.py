"""Signals of the ways between services: what one end sees and the other does not."""

import re
from math import log1p

from steadyhand.journey.diagnosis.scene import HARM, Scene, ids, is_own
from steadyhand.journey.diagnosis.signals.signal import Signal
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Bearing, Item

_APART = log1p(5.0)  # sigmas that one end sees and the other does not
_FAR_APART = log1p(15.0)
_MOSTLY = 0.5
_SPOKEN = frozenset({"reset", "unreachable", "broken", "eof", "refused", "retransmit", "packet", "network"})


def apart(scene: Scene) -> tuple[Bearing, ...]:
    """The arrows whose caller sees what their callee does not."""
    return tuple(one for one in scene.page.arrows if one.figures["between"] >= _APART)


def _arrow(scene: Scene, suspect: Suspect) -> Bearing | None:
    wanted = suspect.facts.get("caller"), suspect.facts.get("callee")
    return next((one for one in scene.page.arrows if (one.caller, one.entity) == wanted), None)


def _seen(scene: Scene, suspect: Suspect) -> tuple[Item, ...]:
    """What the caller sees of these calls."""
    caller, callee = suspect.facts.get("caller"), suspect.facts.get("callee")
    calls = scene.shown("latency", "errors", about=callee)
    return tuple(one for one in calls if (one.entity, one.facts.get("target")) == (caller, callee))


def _the_caller_sees_it(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    return ids(_seen(scene, suspect))


def _the_ends_are_far_apart(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    arrow = _arrow(scene, suspect)
    far = arrow is not None and arrow.figures["between"] >= _FAR_APART
    return ids(_seen(scene, suspect)) if far else ()


def _only_this_way(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    arrow = _arrow(scene, suspect)
    alone = arrow is not None and arrow.figures["alone"] > _MOSTLY * arrow.figures["between"]
    return ids(_seen(scene, suspect)) if alone else ()


def _the_callee_suffers(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    own = scene.shown(*(HARM - {"saturation"}), about=suspect.facts.get("callee", ""))
    return ids(one for one in own if is_own(one) and one.entity == suspect.facts.get("callee"))


def _log_speaks_of_the_network(scene: Scene, suspect: Suspect) -> tuple[str, ...]:
    said = (one for one in scene.shown("new_log", "log_rate") if one.direction in {"new", "up"})
    return ids(one for one in said if one.entity == suspect.facts.get("caller") and _words(one) & _SPOKEN)


def _words(item: Item) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", item.facts.get("template", "").lower()))


SIGNALS = (
    Signal(
        "the_caller_sees_it", "its caller sees these calls slow or failing", "metric", _the_caller_sees_it
    ),
    Signal(
        "the_ends_are_far_apart",
        "the caller sees far more of it than the callee",
        "metric",
        _the_ends_are_far_apart,
    ),
    Signal("only_this_way", "no other caller sees it", "metric", _only_this_way),
    Signal("the_callee_suffers", "the callee shows it too", "metric", _the_callee_suffers),
    Signal(
        "log_speaks_of_the_network", "the caller logs broken connections", "log", _log_speaks_of_the_network
    ),
)
