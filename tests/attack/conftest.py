"""An attacker gets a fresh night, or a fresh house, with an approver and somebody who is none."""

from pathlib import Path

import pytest
from stories.night import RULES, Night
from tools.conftest import Bench
from web.house import House

from steadyhand.journey.approval.policy import AutonomyRule


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return _staffed(Night(tmp_path))


@pytest.fixture
def guarded(tmp_path: Path) -> Night:
    """A night whose policy may consent by itself."""
    return _staffed(Night(tmp_path, RULES.model_copy(update={"autonomy": AutonomyRule(level="guarded")})))


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    _staffed(house)
    return house


@pytest.fixture
def bench(night: Night) -> Bench:
    return Bench(night)


def _staffed(night: Night) -> Night:
    night.hire()
    night.hire("bo")
    night.hire("vic", "viewer")
    return night
