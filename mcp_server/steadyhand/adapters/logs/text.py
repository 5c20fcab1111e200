"""The text of a line that a system keeps as it was written: if it is JSON its message, level and columns."""

import json
import re
from dataclasses import dataclass, field

from steadyhand.journey.evidence.patterns.formats.parsed import severity_in
from steadyhand.journey.evidence.patterns.formats.structured import FieldNames

_NAMES = FieldNames()


@dataclass(frozen=True, slots=True)
class Text:
    """What a line says."""

    message: str
    severity: str
    fields: dict[str, object] = field(default_factory=dict)


def phrases(text: str) -> list[str]:
    """What of a text may stand between quotes in any search language: all of it, or else its words.

    No sign that means something to one of them is ever let through, so that nothing needs an escape.
    """
    return [text] if re.fullmatch(r"[\w .,:;/=@#+-]*\w[\w .,:;/=@#+-]*", text) else re.findall(r"\w+", text)


def read_text(text: str) -> Text:
    """A JSON object's parts; of anything else the text itself and the level it names near its start."""
    try:
        row = json.loads(text) if text[:1] == "{" else None
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        return Text(text, severity_in(text))
    message = next((str(row.pop(one)) for one in _NAMES.message if isinstance(row.get(one), str)), text)
    severity = next((str(row.pop(one)) for one in _NAMES.severity if isinstance(row.get(one), str)), "")
    return Text(message, severity, {key: one for key, one in row.items() if key not in _NAMES.time})
