"""What a page says beside the alert: what is normal and what is now, what changed, who else is sick.

Everything here was asked within a deadline. What nobody answered in time is named; it never means "fine".
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from pydantic import Field

from steadyhand.journey.alert.rule import EnrichmentRule
from steadyhand.journey.rule import Instant, Value

Moment = Literal["now", "calm", "yesterday", "last_week"]
MOMENTS: Mapping[Moment, str] = {
    "now": "now",
    "calm": "calm minutes before",
    "yesterday": "same hour yesterday",
    "last_week": "same hour last week",
}
_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)"
_LIMIT = re.compile(rf"^(?P<left>.+?)\s*(?:>=|<=|==|!=|>|<)\s*(?:bool\s+)?{_NUMBER}\s*$", re.DOTALL)
_LONGEST = 1200


class Level(Value):
    """What the series was at one time. No sample: nothing is known of it."""

    when: Moment
    samples: tuple[float, ...] = ()

    @property
    def middle(self) -> float | None:
        """The median, None without a sample."""
        return median(self.samples) if self.samples else None


class Seen(Value):
    """An earlier incident with the same alert, and how it ended."""

    incident: str
    opened_at: Instant
    note: str


class Neighbour(Value):
    """A service one step away."""

    service: str
    side: Literal["below", "above"] = Field(description="below: this one depends on it.")
    sick: bool | None = Field(description="None: nothing is known of it.")
    words: str


class Recent(Value):
    """Something that was deployed or changed in the last hours."""

    id: str
    service: str
    at: Instant
    words: str


class Enrichment(Value):
    """All of it, for one episode of one incident."""

    at: Instant
    series: str = Field(default="", description="The expression that was looked at.")
    levels: tuple[Level, ...] = ()
    changes: tuple[Recent, ...] = ()
    before: tuple[Seen, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    gaps: tuple[str, ...] = Field(default=(), description="What was asked and not answered in time.")
    took_s: float = Field(default=0.0, ge=0, description="Seconds that the asking took.")

    @property
    def lines(self) -> tuple[str, ...]:
        """What people read of it; nothing of what is not known to be worth a line."""
        changes = [f"{one.service} {one.words} ({_ago(self.at, one.at)})" for one in self.changes]
        before = [f"{one.incident} {_ago(self.at, one.opened_at)}: {one.note}" for one in self.before]
        lines = (
            _levels(self.levels),
            _listed("Changed lately", changes),
            _listed("Seen before", before),
            _listed("Around it", [f"{one.service} {one.words}" for one in self.neighbours]),
            _listed("Not known", self.gaps),
        )
        return tuple(one for one in lines if one)


def measured(expression: str) -> str:
    """The expression without the limit it is compared with: `x > 0.05` says nothing of x while it is fine.

    One that holds several conditions, or none, stays as it is.
    """
    text = expression.strip()
    found = _LIMIT.match(text)
    left = found["left"].strip() if found else text
    return left if _balanced(left) and not re.search(r"\b(?:and|or|unless)\b", left) else text


def _balanced(text: str) -> bool:
    return all(text.count(one) == text.count(other) for one, other in ("()", "[]", "{}"))


def instants(began: datetime, now: datetime, rule: EnrichmentRule) -> Mapping[Moment, tuple[datetime, ...]]:
    """When to look at the series: five times each in the calm minutes and around this hour of other days."""
    step = rule.calm / 5
    around = [timedelta(minutes=one) for one in (-20, -10, 0, 10, 20)]
    return {
        "now": (now,),
        "calm": tuple(began - step * one for one in range(1, 6)),
        "yesterday": tuple(now - timedelta(days=1) + one for one in around),
        "last_week": tuple(now - timedelta(days=7) + one for one in around),
    }


def words(found: Enrichment) -> str:
    """Fit for a page: a few short lines, the most telling first."""
    text = "\n".join(found.lines)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _levels(levels: Sequence[Level]) -> str:
    known = {one.when: one.middle for one in levels}
    now = known.pop("now", None)
    if now is None and all(one is None for one in known.values()):
        return ""
    normal = [f"{show(value)} {MOMENTS[when]}" for when, value in known.items() if value is not None]
    usual = next((value for value in known.values() if value), None)
    times = f" ({now / usual:.3g} times that)" if now is not None and usual and now > usual > 0 else ""
    return f"Now {show(now)}; normal: {', '.join(normal) or 'not known'}{times}."


def show(value: float | None) -> str:
    """A number as people read it."""
    return "not known" if value is None else f"{value:.4g}"


def _listed(title: str, found: Sequence[str]) -> str:
    more = f", and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004 - a page is short
    return f"{title}: {'; '.join(found[:3])}{more}." if found else ""


def _ago(now: datetime, then: datetime) -> str:
    minutes = max(0, round((now - then).total_seconds() / 60))
    if minutes < 120:  # noqa: PLR2004 - minutes
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
