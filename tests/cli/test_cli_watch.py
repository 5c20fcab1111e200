"""A rollout watched at a real terminal, over a served console whose night passes by hand."""

import threading

from browser.live_site import Site
from cli.terminal import Terminal, typed

from steadyhand.journey.rollout.state import OVER


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
