"""Dates as people write them into a post-mortem. One that could be read two ways is refused."""

import re
from datetime import UTC, datetime

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_ISO = re.compile(
    r"(?<!\d)\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?"
)
_SPELT = (
    re.compile(r"(?<!\d)(?P<year>\d{4})/(?P<number>\d{1,2})/(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"\b{_NAME}\s+{_DAY},?\s+{_YEAR}\b", re.IGNORECASE),
    re.compile(rf"(?<!\d){_DAY}\s+(?:of\s+)?{_NAME},?\s+{_YEAR}\b", re.IGNORECASE),
)


def first_date(text: str) -> str:
    """The first date in a text that can be read only one way, as it stands there; empty: none."""
    found = [one for pattern in (_ISO, *_SPELT) if (one := pattern.search(text))]
    return min(found, key=lambda one: one.start())[0] if found else ""


def instant(text: str, where: str) -> datetime:
    """The instant; a day alone is its midnight, UTC. Raises ValueError that names the place."""
    written = first_date(text.strip())
    at = _read(written) if written else None
    if at is None:
        raise ValueError(f"{where}: date: {text[:40]!r} is no date; write it like 2026-01-31T02:00:00Z")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _read(text: str) -> datetime | None:
    try:
        if _ISO.fullmatch(text):
            return datetime.fromisoformat(re.sub(r"\s?(UTC|Z)$", "+00:00", text))
        spelt = next(one.groupdict() for pattern in _SPELT if (one := pattern.fullmatch(text)))
        month = int(spelt["number"]) if "number" in spelt else _MONTHS.index(spelt["month"].lower()[:3]) + 1
        return datetime(int(spelt["year"]), month, int(spelt["day"]), tzinfo=UTC)
    except (ValueError, StopIteration):
        return None
