"""Fixtures of the tests with the real client: it meets the real service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from claude.client import Client, find_client
from plugin.real_service import RealService, real_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RealService]:
    """The real service: its data folder, its address, what was called and what was done."""
    with real_service(tmp_path / "service") as running:
        yield running


@pytest.fixture
def client(tmp_path: Path, service: RealService) -> Client:
    """The real client; skips where it is not installed."""
    binary = find_client()
    if binary is None:
        pytest.skip("no Claude Code client: run tests/claude/install.sh or set STEADYHAND_CLAUDE")
    return Client(binary, tmp_path, service.home)
