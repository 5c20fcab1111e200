"""At a real terminal: what would tell the causes apart, and what somebody saw who looked."""

from browser.live_site import Site
from cli.terminal import Terminal, typed

PIN = [("PIN: ", "314159")]


def test_checks_are_listed_and_what_was_seen_moves_the_ranking(terminal: Terminal, site: Site) -> None:
    incident = site.do(site.house.break_shop())
    listed = typed(terminal, ["check", incident, "--as", "ana"], PIN)
    assert "h1 " in listed
    assert "connection_leak of shop" in listed
    assert "  1. idle sessions keep ageing: " in listed
    say = ["check", incident, "--as", "ana", "--hypothesis", "h1", "--outcome", "as_if_true"]
    done = typed(terminal, say, [*PIN, ("What did you see? ", "the same twelve sessions")])
    assert "(check 'idle sessions keep ageing' as if true, factor 3)" in done
    assert "ana: as if true, 'the same twelve sessions'" in typed(
        terminal, ["check", incident, "--as", "ana"], PIN
    )
    wrong = typed(terminal, [*say, "--number", "9", "--saw", "x"], PIN)
    assert "h1 has" in wrong
    assert "Traceback" not in wrong
