"""What can be turned while the lab runs: files that the running processes read again and again."""

from pathlib import Path
from typing import TypeVar

from pydantic import Field

from steadyhand.journey.rule import Value
from steadyhand.lab.layout import Layout

Knob = TypeVar("Knob", bound=Value)


class Pace(Value):
    """How busy the users are."""

    rps: float = Field(default=50, ge=0, le=1000, description="Requests per second of all users together.")


class Manner(Value):
    """How the payment provider answers."""

    delay_s: float = Field(default=0.03, ge=0)
    status: int = 200


def pace_file(layout: Layout) -> Path:
    """The file the users read twice a second."""
    return layout.run / "load.json"


def manner_file(layout: Layout) -> Path:
    """The file the payment provider reads before each answer."""
    return layout.run / "payments.json"


def read(kind: type[Knob], file: Path) -> Knob:
    """The present setting."""
    return kind.model_validate_json(file.read_text())


def turn(file: Path, value: Value) -> None:
    """Write a new setting; readers see the old one or the new, never half of one."""
    fresh = file.with_suffix(".new")
    fresh.write_text(value.model_dump_json())
    fresh.replace(file)
