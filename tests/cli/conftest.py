"""Every test gets a terminal with an empty home and, if it asks, a served console that knows that home."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.live_site import Site, serve
from cli.terminal import Terminal
from servers import free_port


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def site(terminal: Terminal, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    terminal.home.mkdir(exist_ok=True)
    with serve(folder, free_port()) as served:
        (terminal.home / "service.json").write_text(json.dumps({"url": served.address, "pid": 1}))
        yield served
