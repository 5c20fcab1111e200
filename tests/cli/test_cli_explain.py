"""Why was I paged, asked at a real terminal over a served console."""

import json
from pathlib import Path

import pytest
from browser.live_site import Site, serve
from cli.terminal import Terminal, typed

PORT = 27_021


@pytest.fixture
def site(terminal: Terminal, tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    terminal.home.mkdir(exist_ok=True)
    with serve(folder, PORT) as served:
        (terminal.home / "service.json").write_text(json.dumps({"url": served.address, "pid": 1}))
        yield served


def test_a_page_is_explained_and_who_is_told_next_is_said(terminal: Terminal, site: Site) -> None:
    incident = site.do(site.house.break_shop())
    seen = typed(terminal, ["explain", incident, "--as", "ana"], [("PIN: ", "314159")])
    assert f"{incident} climbs policy" in seen
    assert "  because: 5xx above 2 % of answers fired" in seen
    assert "chosen: the step names" in seen
    assert "If nobody answers:" in seen
    assert "UTC: phone bo, tier 2 of 2 (lead, round 1 of 2)" in seen
    unknown = typed(terminal, ["explain", "inc-99", "--as", "ana"], [("PIN: ", "314159")])
    assert "there is no incident inc-99" in unknown
    assert "Traceback" not in unknown
