"""What may fire without waking anybody: silences by matcher, maintenance windows by service.

Both only keep new episodes from paging while they last. What comes in is recorded all the same, and whatever
still fires when they end pages then. An incident that is open already is left to its people.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, model_validator

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.rule import Instant, Value

LONGEST = timedelta(days=31)
TOO_LONG = f"it lasts longer than {LONGEST.days} days; set a shorter one, and again when it ends"
_FORM = re.compile(r"(?P<name>[A-Za-z_][\w.:/-]{0,99})(?P<op>!?=)(?P<value>.{0,200})")
FIELDS = ("service", "name", "source", "severity", "summary", "dedup_key")


class Matcher(Value):
    """A field or label of an alert, and what it must be or (`!=`) must not; `*` stands for anything."""

    name: str
    op: Literal["=", "!="] = "="
    value: str = Field(max_length=200)

    def matches(self, alert: Alert) -> bool:
        """Whether it holds for this alert; a label that is not there is empty."""
        found = str(getattr(alert, self.name)) if self.is_field else alert.labels.get(self.name, "")
        return self.fits(found) is (self.op == "=")

    @property
    def is_field(self) -> bool:
        """Whether it asks for what every alert has; else for a label."""
        return self.name in FIELDS

    def fits(self, found: str) -> bool:
        """Whether its value stands for this one."""
        return fnmatchcase(found, _glob(self.value))


def _glob(pattern: str) -> str:
    """Only `*` has a meaning; the rest of what a shell knows is taken literally."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def matcher(text: str) -> Matcher:
    """Read `service=shop` or `name!=Watch*`. Raises ValueError with the accepted form."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:60]!r} is no matcher; write service=shop, name=High* or region!=eu")
    return Matcher.model_validate(found.groupdict())


def written(kind: str, given: Iterable[str]) -> list[str]:
    """Matchers as text: a maintenance window may name its services alone."""
    alone = kind == "maintenance"
    return [f"service={one}" if alone and "=" not in one else one for one in given]


def contradiction(matchers: Iterable[Matcher]) -> str:
    """Why no alert can ever match all of them; "" where one can."""
    fixed: dict[str, str] = {}
    for one in matchers:
        if one.op == "=" and "*" not in one.value and fixed.setdefault(one.name, one.value) != one.value:
            both = f"{one.name} cannot be {fixed[one.name]} and {one.value} at once"
            return f"{both}: set one for each, or write what they share with *"
    return ""


class Silence(Value):
    """A time in which alerts that match all of it open no incident."""

    id: str
    kind: Literal["silence", "maintenance"] = "silence"
    matchers: tuple[Matcher, ...] = Field(min_length=1, max_length=20)
    starts_at: Instant
    ends_at: Instant
    author: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _ends(self) -> "Silence":
        if self.ends_at < self.starts_at:  # one that was ended at once lasts no time at all
            raise ValueError("it ends before it begins")
        if self.ends_at - self.starts_at > LONGEST:
            raise ValueError(TOO_LONG)
        return self

    def covers(self, alert: Alert, now: datetime) -> bool:
        """Whether it keeps this alert quiet now."""
        return self.starts_at <= now < self.ends_at and all(one.matches(alert) for one in self.matchers)

    @property
    def words(self) -> str:
        """What it matches, as one writes it."""
        return " ".join(f"{one.name}{one.op}{one.value}" for one in self.matchers)


def covering(silences: Iterable[Silence], alert: Alert, now: datetime) -> Silence | None:
    """What keeps this alert quiet, the longest first: what ends sooner would ask again too early."""
    fitting = [one for one in silences if one.covers(alert, now)]
    return max(fitting, key=lambda one: (one.ends_at, one.id), default=None)
