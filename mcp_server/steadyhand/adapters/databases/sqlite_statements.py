"""Which statements of a SQLite application are planned: those configured, then the latest it wrote down."""

import re
from typing import TYPE_CHECKING

from steadyhand.adapters.databases.statements import mask

if TYPE_CHECKING:
    from steadyhand.adapters.databases.sqlite import SqliteSettings

_READ = 256 * 1024
_PLANNABLE = re.compile(r"(select|with|insert|replace|update|delete)\b", re.IGNORECASE)
_SYSTEM = re.compile(r"\b(sqlite_\w+|pragma_\w+|dbstat)\b", re.IGNORECASE)


def statements_of(settings: "SqliteSettings", gaps: list[str]) -> list[str]:
    """Each statement once, whatever its literals. `gaps` grows where the file cannot be read."""
    written = reversed(_written(settings, gaps))
    found: dict[str, str] = {}
    for text in (*settings.statements, *written):
        if plannable(text):
            found.setdefault(mask(text), text.strip().rstrip("; "))
        elif text in settings.statements:
            gaps.append(
                f"statements: {mask(text)[:100]!r} is not planned:"
                " only one statement that reads or changes rows can be"
            )
    return list(found.values())


def plannable(text: str) -> bool:
    """Whether it is one statement of an application that reads or changes rows."""
    masked = mask(text).rstrip("; ")
    return _PLANNABLE.match(masked) is not None and ";" not in masked and _SYSTEM.search(masked) is None


def _written(settings: "SqliteSettings", gaps: list[str]) -> list[str]:
    path = settings.statements_file
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _READ))
            lines = file.read(_READ).decode("utf-8", "replace").splitlines()
    except OSError as error:
        gaps.append(f"statements: {path}: {error.strerror}")
        return []
    return lines[1:] if size > _READ else lines
