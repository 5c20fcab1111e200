"""A night on call for the stories in which only the store and the worker may be trusted."""

from pathlib import Path

import pytest
from stories.night import Night


@pytest.fixture
def night(tmp_path: Path) -> Night:
    night = Night(tmp_path)
    night.hire()
    return night
