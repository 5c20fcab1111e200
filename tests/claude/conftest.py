"""Fixtures of the tests with the real client. To run them against another service, replace `service`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from claude.client import Client, find_client
from plugin.running import Running, standin


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    """A service that answers: its data folder, its address, its journals of calls and effects."""
    with standin(tmp_path / "service") as running:
        yield running


@pytest.fixture
def client(tmp_path: Path, service: Running) -> Client:
    """The real client; skips where it is not installed."""
    binary = find_client()
    if binary is None:
        pytest.skip("no Claude Code client: run tests/claude/install.sh or set STEADYHAND_CLAUDE")
    return Client(binary, tmp_path, service.home)
