"""A rollout watched at a real terminal, over a served console whose night passes by hand."""

import json
import threading
from pathlib import Path

import pytest
from browser.live_site import Site, serve
from cli.terminal import Terminal, typed

from steadyhand.journey.rollout.state import OVER

PORT = 27_011


@pytest.fixture
def site(terminal: Terminal, tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    terminal.home.mkdir(exist_ok=True)
    with serve(folder, PORT) as served:
        (terminal.home / "service.json").write_text(json.dumps({"url": served.address, "pid": 1}))
        yield served


def test_a_rollout_is_watched_line_by_line_to_its_end(terminal: Terminal, site: Site) -> None:
    incident = site.do(site.house.break_shop())
    plan = site.house.view(incident).plan
    site.do(site.house.answer(plan))
    site.do(site.house.start_rollout(incident))
    site.pass_time(10)
    over = threading.Event()

    def night() -> None:
        while not over.is_set():
            over.wait(0.5)
            site.pass_time(5)
            rollout = site.house.view(incident).rollout
            if rollout is not None and rollout.phase in OVER:
                over.set()

    thread = threading.Thread(target=night)
    thread.start()
    try:
        seen = typed(terminal, ["watch", incident, "--as", "ana"], [("PIN: ", "314159")])
    finally:
        over.set()
        thread.join()
    assert "until the soak ends | watching | failed answers" in seen
    assert "95 % interval" in seen
    assert "verified 100%" in seen
    assert "recovered and held. The canary: proven better." in seen
