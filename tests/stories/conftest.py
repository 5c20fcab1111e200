"""Every story gets a fresh night."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from stores import Place

from steadyhand.responder.rules import Rules
from stories.night import Night
from stories.shift import LADDER, Begin, Shift

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def somewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A file; for stories that use `place`, one database after the other."""
    if "place" not in request.fixturenames:
        return tmp_path / "night.db"
    place: Place = request.getfixturevalue("place")
    return place


@pytest.fixture
def night(tmp_path: Path, somewhere: Place) -> Iterator[Night]:
    night = Night(tmp_path, place=somewhere)
    night.hire()
    yield night
    night.every_message_is_on_record()
    night.outside.ledger.close()


@pytest.fixture
def begin(tmp_path: Path, somewhere: Place) -> Iterator[Begin]:
    """Begin a shift; when the story is over, nothing may have rung that it did not expect."""
    begun: list[Shift] = []

    def start(given: Rules = LADDER, at: datetime = NOON) -> Shift:
        begun.append(Shift(tmp_path, given, at, somewhere))
        return begun[-1]

    yield start
    for one in begun:
        one.nothing_else()
        one.every_message_is_on_record()
        one.outside.ledger.close()
