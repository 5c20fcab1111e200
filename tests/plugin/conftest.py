"""Fixtures of the plugin's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin.running import Running, standin


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    """A stand-in service with the probe tools."""
    with standin(tmp_path / "home", "--probes") as running:
        yield running
