"""The shape of one signal."""

from collections.abc import Callable
from dataclasses import dataclass

from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.suspect import Suspect

Find = Callable[[Scene, Suspect], tuple[str, ...]]


@dataclass(frozen=True)
class Trait:
    """Something a suspect has or lacks, under the name the table of weights uses.

    `says` ends the sentence "the evidence shows that ...". `seen_in` is the kind of evidence it
    would appear in: where that kind was not looked at, its absence says nothing.
    """

    name: str
    says: str
    seen_in: str


@dataclass(frozen=True)
class Signal(Trait):
    """A trait read off the page: `find` gives the ids of the evidence that shows it.

    An `effect` is what users suffered; when it began does not tell when the cause did.
    """

    find: Find
    effect: bool = False
