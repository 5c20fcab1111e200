"""A real Chromium over a served console; skipped where Debian's packages are not installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.live_site import Site, serve
from browser.webdriver import Chrome, chrome, missing
from servers import free_port


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    lacking = missing()
    if lacking:
        pytest.skip(f"{lacking} is not installed (Debian: chromium, chromium-driver)")
    with chrome(free_port(), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def site(window: Chrome, tmp_path: Path) -> Iterator[Site]:
    with serve(tmp_path, free_port()) as served:
        yield served


@pytest.fixture
def browser(window: Chrome, site: Site) -> Iterator[Chrome]:
    """The window at its desktop size, nobody signed in, and no complaint left behind."""
    window.open(f"{site.address}/sign-in")
    window.call("DELETE", "/cookie")
    window.size(1280, 900)
    window.logs()
    yield window
    window.open("about:blank")
