"""Signals of what is asked of whom: demand, scarcity, and who feels it."""

from steadyhand.journey.diagnosis.scene import HARM, Scene, ids, number
from steadyhand.journey.diagnosis.signals.signal import Signal
from steadyhand.journey.diagnosis.suspect import Suspect
from steadyhand.journey.evidence.model import Item

_MOSTLY = 0.5


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


SIGNALS = (
    Signal(
        "busy_together",
        "several services that share it are busier since one instant",
        "metric",
        _busy_together,
    ),
    Signal("asked_together", "more is asked of most services that are busier", "metric", _asked_together),
    Signal(
        "nobody_feels_it", "users suffer, and neither it nor the calls to it do", "metric", _nobody_feels_it
    ),
)
