"""What colleagues learned about one failure: a starting point for reasoning, not a rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError

from steadyhand.journey.diagnosis.model import Check, Remediation
from steadyhand.journey.evidence.model import Role
from steadyhand.journey.rule import Value, explain_validation

_FENCE = "---\n"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1, max_length=300)]


class Symptom(Value):
    """How the failure shows. With a `role` the evidence page itself can be searched for it.

    All that is given must fit one item of the page; without a role only a person can tell.
    """

    says: Text
    role: tuple[Role, ...] = Field(default=(), description="One of these roles of evidence.")
    direction: tuple[Literal["up", "down", "new", "gone"], ...] = ()
    shape: tuple[Literal["ramp", "step", "spike", "gone"], ...] = ()
    words: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+$")], ...] = Field(
        default=(), description="A word of its metric, labels, message or text begins with one of these."
    )
    of: Literal["any", "alerting", "another"] = "any"
    least: int = Field(default=1, ge=1, description="At least this many items.")
    worth: float = Field(default=1.0, gt=0, le=3, description="How much it says, beside the others.")


def _in_words(given: object) -> object:
    return {"says": given} if isinstance(given, str) else given


def _listed(given: object) -> object:
    return tuple(_in_words(one) for one in given) if isinstance(given, list | tuple) else given


Symptoms = Annotated[tuple[Symptom, ...], BeforeValidator(_listed)]


class Way(Value):
    """A fix that helped, how it is taken back, and when it is the wrong one."""

    fix: Text
    rollback: Text
    when: str = Field(default="", max_length=300)
    not_when: str = Field(default="", max_length=300, description="When it does harm, or helps nothing.")
    remediation: Remediation | None = None


class LookAlike(Value):
    """A failure that is easily taken for this one, and what tells them apart."""

    mechanism: Name
    told_apart_by: Text


class Playbook(Value):
    """One failure: how it looks, what tells it from its look-alikes, what helps, what misleads."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str = Field(default="", max_length=80)
    mechanism: Name = Field(description="The fault class, as hypotheses name it.")
    aliases: tuple[Name, ...] = Field(default=(), description="Other names of the same failure.")
    claim: str = Field(default="", max_length=300, description="What is believed of the suspect, {entity}.")
    deepest: bool = Field(
        default=False,
        description="It is of the deepest that is sick: what something below it shows stands instead.",
    )
    first: str = Field(default="", max_length=300, description="What to look at before anything else.")
    symptoms: Symptoms = Field(min_length=1)
    against: Symptoms = Field(default=(), description="What speaks for something else when it is seen.")
    checks: tuple[Check, ...] = Field(min_length=1, description="Read-only looks that discriminate.")
    look_alikes: tuple[LookAlike, ...] = ()
    fixes: tuple[Way, ...] = Field(min_length=1)
    traps: tuple[Text, ...] = Field(min_length=1)
    prose: str = Field(min_length=1, description="Why, in Markdown.")

    @property
    def names(self) -> tuple[str, ...]:
        """All names it is found by."""
        return (self.id, self.mechanism, *self.aliases)


@dataclass(frozen=True)
class Shelf:
    """All playbooks, each found by its id, its mechanism or an alias."""

    playbooks: tuple[Playbook, ...]

    def find(self, name: str) -> Playbook | None:
        """The playbook of this name; the id comes first, then the mechanism, then aliases."""
        wanted = name.strip().lower().replace(" ", "_")
        for named in (lambda one: (one.id.replace("-", "_"),), _mechanism, lambda one: one.aliases):
            for one in self.playbooks:
                if wanted.replace("-", "_") in named(one):
                    return one
        return None

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The fault classes it knows, in order."""
        return tuple(sorted({one.mechanism for one in self.playbooks}))

    def with_own(self, own: Iterable[Playbook]) -> "Shelf":
        """With a team's own: one with the id of a known playbook stands in its place, others come first."""
        theirs = {one.id: one for one in own}
        return Shelf((*theirs.values(), *(one for one in self.playbooks if one.id not in theirs)))


def _mechanism(one: Playbook) -> tuple[str, ...]:
    return (one.mechanism,)


def split(text: str) -> tuple[str, str]:
    """The front matter's text and the prose below it. Raises ValueError if there is no front matter."""
    if not text.startswith(_FENCE) or f"\n{_FENCE}" not in text:
        raise ValueError("a playbook starts with front matter between two lines of ---")
    front, prose = text.removeprefix(_FENCE).split(f"\n{_FENCE}", maxsplit=1)
    return front, prose.strip()


def read(front: Mapping[str, object], prose: str, where: str = "playbook") -> Playbook:
    """The playbook of a loaded front matter. Raises ValueError that names the place and each wrong key."""
    if not isinstance(front, Mapping):
        raise ValueError(f"{where}: the front matter must hold keys such as `id:` and `symptoms:`")  # noqa: TRY004 - a wrong file, like any other mistake in it
    try:
        found = Playbook.model_validate({**front, "prose": prose})
    except ValidationError as error:
        raise ValueError(explain_validation(error, where)) from error
    blind = next((one.name for one in found.checks if one.tool is None), None)
    if blind is not None:
        raise ValueError(f"{where}: checks: {blind!r} names no tool; name a read-only look, or person")
    return found
