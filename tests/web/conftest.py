"""Every test of the doors gets a fresh house."""

from pathlib import Path

import pytest
from web.house import House


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.hire()
    return house
