"""Why was I paged, asked at a real terminal over a served console."""

from browser.live_site import Site
from cli.terminal import Terminal, typed


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
