"""Reading an alert source's JSON: capped, typed, and refused in one named way."""

import math
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ValidationError

LARGEST_BODY = 1024 * 1024
MOST_LABELS = 64
_LONGEST_LABEL = 500
_EARLIEST_YEAR, _LATEST_YEAR = 2000, 2200

Payload = TypeVar("Payload", bound=BaseModel)


class BadAlert(ValueError):
    """The payload is no alert; the text names the field and never quotes its value."""


def _credible(given: datetime) -> datetime:
    if not _EARLIEST_YEAR <= given.year < _LATEST_YEAR:
        raise ValueError("not a credible date")
    return given.astimezone(UTC)


When = Annotated[AwareDatetime, AfterValidator(_credible)]


def read(model: type[Payload], body: bytes) -> Payload:
    """The body as this model. Raises BadAlert naming the first field that is wrong."""
    if len(body) > LARGEST_BODY:
        raise BadAlert(f"body: {len(body):,} bytes, at most {LARGEST_BODY:,} are read")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise BadAlert(f"{_path(first['loc'])}: {first['msg']}"[:300]) from None


def cut(text: str, longest: int) -> str:
    """The text, shortened with an ellipsis to at most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def cut_labels(labels: dict[str, str]) -> dict[str, str]:
    """The first labels, each name and value shortened."""
    kept = list(labels.items())[:MOST_LABELS]
    return {cut(name, 100): cut(value, _LONGEST_LABEL) for name, value in kept}


def number(text: str) -> float | None:
    """The number written there, None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return cut(text.lstrip("."), 120) or "body"
