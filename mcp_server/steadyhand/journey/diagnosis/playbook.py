"""What colleagues learned about one failure: a starting point for reasoning, not a rule."""

from collections.abc import Mapping

from pydantic import Field

from steadyhand.journey.diagnosis.model import Check
from steadyhand.journey.rule import Value

_FENCE = "---\n"


class Way(Value):
    """A fix that helped, and how it is taken back."""

    fix: str
    rollback: str
    when: str = ""


class Playbook(Value):
    """One failure: how it looks, what tells it from its look-alikes, what helps, what misleads."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    mechanism: str = Field(description="Name of the mechanism of the engine it belongs to.")
    symptoms: tuple[str, ...] = Field(min_length=1)
    checks: tuple[Check, ...] = Field(min_length=1, description="Read-only looks that discriminate.")
    fixes: tuple[Way, ...] = Field(min_length=1)
    traps: tuple[str, ...] = Field(min_length=1)
    prose: str = Field(min_length=1, description="Why, in Markdown.")


def split(text: str) -> tuple[str, str]:
    """The front matter's text and the prose below it. Raises ValueError if there is no front matter."""
    if not text.startswith(_FENCE) or f"\n{_FENCE}" not in text:
        raise ValueError("a playbook starts with front matter between two lines of ---")
    front, prose = text.removeprefix(_FENCE).split(f"\n{_FENCE}", maxsplit=1)
    return front, prose.strip()


def read(front: Mapping[str, object], prose: str) -> Playbook:
    """The playbook of a loaded front matter. Raises ValidationError that names the wrong key."""
    return Playbook.model_validate({**front, "prose": prose})
