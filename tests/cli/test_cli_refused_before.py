"""At a real terminal: what somebody said who refused such a fix before is shown where one says yes."""

from browser.live_site import Site
from cli.terminal import Terminal, typed

PIN = ("PIN: ", "314159")
AS_ANA = ["--as", "ana"]


def test_why_a_fix_was_refused_is_shown_when_its_like_waits_for_a_yes(terminal: Terminal, site: Site) -> None:
    first = site.do(site.house.break_shop())
    typed(terminal, ["reject", first, *AS_ANA, "--reason", "1.0 cannot read the new rows"], [PIN])
    closing = ["close", first, *AS_ANA, "--reason", "by hand", "--was", "confirmed"]
    assert "remembered as confirmed" in typed(terminal, closing, [PIN])
    again = site.do(site.house.break_shop("5xx again"))
    asked = [PIN, ("approve exactly this plan: ", "no")]
    seen = typed(terminal, ["approve", again, *AS_ANA], asked)
    assert "refused before: " in seen
    assert "1.0 cannot read the new rows" in seen
    assert "Nothing was approved." in seen
