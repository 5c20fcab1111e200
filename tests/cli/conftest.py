"""Every test gets a terminal with an empty home."""

from pathlib import Path

import pytest
from cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)
