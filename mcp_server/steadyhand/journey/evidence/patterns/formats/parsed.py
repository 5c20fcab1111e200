"""What every format gives of one line."""

import re
from dataclasses import dataclass, field

LONGEST_MESSAGE = 4_000
LONGEST_FIELD = 500
MOST_FIELDS = 40

_WORD = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|ALERT|EMERG(?:ENCY)?|FATAL|PANIC|SEVERE|LOG)\b",
    re.IGNORECASE,
)
_HEAD = 120


@dataclass(slots=True)
class Parsed:
    """One line as a record: its stamp as written, its severity, its message and the columns beside it.

    It `continues` the record before where only a container runtime's envelope has the stamp.
    """

    stamp: str | float
    message: str
    severity: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    continues: bool = False


def severity_in(text: str) -> str:
    """The first word near the start that is a severity, "" if there is none."""
    word = _WORD.search(text[:_HEAD])
    return word[1].upper() if word else ""
