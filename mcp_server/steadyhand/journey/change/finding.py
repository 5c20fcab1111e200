"""What one diagnostic check found."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Value

CheckKind = Literal["dns", "tcp", "tls", "http", "metric", "database", "redis", "pods"]


class Finding(Value):
    """An answer to one question. `fine` is None where the check has no limit to judge by."""

    fine: bool | None
    words: str = Field(description="What was seen, in one line; untrusted.")
    figures: dict[str, str] = Field(default={}, description="Numbers with their units.")
