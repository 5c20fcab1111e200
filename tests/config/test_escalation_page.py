"""The how-to page of escalation tells the truth: its examples load, its timeline is the computed one."""

from datetime import UTC, datetime

from shape.tree import ROOT, blocks

from steadyhand.commands.settings import timeline_lines
from steadyhand.config import parse

PAGE = ROOT / "docs" / "howto" / "escalation.md"
OPENED = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_the_worked_example_has_the_timeline_the_page_shows() -> None:
    [_, worked] = blocks(PAGE, "incident-config")
    [shown] = blocks(PAGE, "timeline")
    config = parse(worked, "escalation.md")
    assert list(timeline_lines(config, "SEV1", "shop", OPENED)) == shown.strip().splitlines()


def test_the_short_form_is_the_ladder_of_every_severity() -> None:
    [short, _] = blocks(PAGE, "incident-config")
    config = parse(short, "escalation.md")
    assert [one.name for one in config.policy("SEV1", "shop").ladder.tiers] == [
        "on_call",
        "team_lead",
        "manager",
    ]
    sev4, sev1 = config.policy("SEV4").ladder, config.policy("SEV1").ladder
    assert [one.contacts for one in sev4.tiers] == [one.contacts for one in sev1.tiers]
