"""What the errors name: the code a release touched, or the flag that opened its path."""

import re
from collections.abc import Sequence

from steadyhand.journey.diagnosis.scene import Scene
from steadyhand.journey.diagnosis.signals.logs import warned
from steadyhand.journey.evidence.model import Item, Onset

TELLING = 4
"""Letters of a word that may tell something: shorter ones are in every text."""

_FEWEST_WORDS = 2
_TEXT = ("summary", "diff", "sql", "version")
_SAID = ("template", "exemplar")


def words(text: str) -> set[str]:
    """The lower-case words of a text, with and without what underscores part."""
    return set(re.split(r"[^a-z0-9_]+", text.lower())) | set(re.split(r"[^a-z0-9]+", text.lower()))


def another_is_named(change: Item, first: Onset, scene: Scene) -> bool:
    """Whether new errors name not this but a change of another kind of the same thing, from before the fault.

    A flag is told from a release so; two releases that touch what fails would both be named.
    """
    rivals = [one for one in scene.known("change") if one.entity == change.entity]
    others = [one for one in rivals if one.facts.get("change_kind") != change.facts.get("change_kind")]
    before = [one for one in others if one.onset is not None and one.onset.at <= first.hi]
    said = _telling(_new_errors(change.entity, scene)) if before else set()
    return any(_is_named(one, rivals, said) for one in before) and not _is_named(change, rivals, said)


def _is_named(change: Item, rivals: Sequence[Item], said: set[str]) -> bool:
    """Whether what is said has two words of this change's text alone, or one that is joined of several."""
    others = (_telling(_text(one)) for one in rivals if one is not change)
    found = _telling(_text(change)).difference(*others) & said
    return len(found) >= _FEWEST_WORDS or any(map(_is_joined, found))


def _is_joined(word: str) -> bool:
    """Whether it is made up as names of flags, functions and tables are: no prose has it by chance."""
    return not word.isalnum()


def _new_errors(name: str, scene: Scene) -> str:
    """What it and its callers said for the first time, as a warning or worse."""
    who = (name, *scene.topology.callers(name))
    items = (item for one in who for item in warned(one, scene))
    return " ".join(item.facts.get(key, "") for item in items for key in _SAID)


def _text(change: Item) -> str:
    return " ".join(change.facts.get(key, "") for key in _TEXT)


def _telling(text: str) -> set[str]:
    """Its words, and what is joined by dashes or dots, such as the key of a flag, as a whole."""
    whole = {one.strip("._-") for one in re.split(r"[^a-z0-9_.-]+", text.lower())}
    return {word for word in whole | words(text) if len(word) >= TELLING}
