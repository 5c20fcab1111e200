"""Every story gets a fresh night."""

from pathlib import Path

import pytest

from stories.night import Night


@pytest.fixture
def night(tmp_path: Path) -> Night:
    night = Night(tmp_path)
    night.hire()
    return night
