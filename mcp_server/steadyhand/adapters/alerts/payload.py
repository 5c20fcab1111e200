"""Reading an alert source's JSON: capped, typed, and refused in one named way."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from steadyhand.ports import BadAlert

LARGEST_BODY = 1024 * 1024
MOST_LABELS = 64
_LONGEST_NAME, _LONGEST_LABEL = 100, 500
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)  # no alert has others
OURS = "steadyhand"  # how the keys of our own pages begin: what we sent must not come back as an alert

# The words that severity rules know, for sources that count priorities.
PRIORITIES: Mapping[str, str] = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "low", "P5": "info"}

Payload = TypeVar("Payload", bound=BaseModel)


SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]  # it stands in the door's address
When = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]


def read(model: type[Payload], body: bytes | str) -> Payload:
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


def cut_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The first labels, each name and value shortened."""
    if len(labels) <= MOST_LABELS and _fit(labels, _LONGEST_NAME) and _fit(labels.values(), _LONGEST_LABEL):
        return labels if isinstance(labels, dict) else dict(labels)  # so are nearly all
    kept = list(labels.items())[:MOST_LABELS]
    return {cut(name, _LONGEST_NAME): cut(value, _LONGEST_LABEL) for name, value in kept}


def _fit(texts: Iterable[str], longest: int) -> bool:
    return max(map(len, texts), default=0) <= longest


def number(text: str) -> float | None:
    """The number written there, None where it is none."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def digest(*parts: str) -> str:
    """A short key that is equal for equal parts."""
    text = "\0".join(parts)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]


def short_key(key: str) -> str:
    """The key itself, or one of its own for a key that is too long to keep."""
    return key if len(key) <= 255 else digest(key)  # noqa: PLR2004 - the longest an Alert takes


def tagged(tags: Iterable[str]) -> dict[str, str]:
    """Tags such as "service:shop" as labels; one without a colon has an empty value."""
    return {
        name.strip(): value.strip() for name, _, value in (one.partition(":") for one in tags) if name.strip()
    }


def first_of(labels: Mapping[str, str], names: Iterable[str], otherwise: str) -> str:
    """The value of the first of these labels that is set."""
    for name in names:
        if found := labels.get(name):
            return cut(found, 100)
    return cut(otherwise, 100)


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return cut(text.lstrip("."), 120) or "body"
