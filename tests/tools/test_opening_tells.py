"""Whoever opens an incident by a tool reads at once what a page would say, within what an answer may hold."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from stories.night import Night, Users
from tools.conftest import SECRET, Bench

from steadyhand.journey.evidence.model import Change
from steadyhand.journey.incident.state import ClosedByHuman
from steadyhand.ports import SourceUnavailable
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

LONGEST = 2000 * 4  # characters; an answer holds 2,000 tokens


def deployed(night: Night, number: int, summary: str) -> None:
    """One of many changes of these hours."""
    started = night.clock.now() - timedelta(minutes=number + 1)
    change = Change(
        id=f"d-{number}",
        service="shop",
        kind="code",
        version=f"1.{number}",
        summary=summary,
        started_at=started,
    )
    with night.outside.ledger.write() as tx:
        tx.keep_change(change)


def asking(bench: Bench, metrics: Users) -> None:
    """These are the numbers there are."""
    bench.night.outside = replace(bench.night.outside, metrics=(metrics,))
    bench.server = build_server(bench.night.outside, playbooks())


def test_it_says_what_is_now_what_changed_and_how_the_neighbours_are(bench: Bench) -> None:
    deployed(bench.night, 0, "retry the lookup")
    bench.night.alert("Full", service="postgres")
    asking(bench, bench.night.users)
    text = bench.text("open_incident", service="shop", title="Slow")
    assert "get_incident shows where it stands" in text
    assert "Now 0.3; normal: 0.3 calm minutes before" in text
    assert "Changed lately: shop code 1.0: retry the lookup (1 min ago)" in text
    assert "Around it: postgres has 1 alert firing" in text


def test_it_says_that_it_was_seen_before(bench: Bench) -> None:
    first = bench.text("open_incident", service="shop", title="Slow").split(":")[0]
    tell_incident(bench.night.outside, first, ClosedByHuman(by="ana", via="test", why="a full disk"))
    asyncio.run(bench.night.clock.advance(timedelta(hours=3)))
    again = bench.text("open_incident", service="shop", title="Slow")
    assert f"Seen before: {first}" in again


def test_many_changes_and_long_words_stay_within_the_answer_and_hold_no_secret(bench: Bench) -> None:
    for number in range(60):
        deployed(bench.night, number, f"token={SECRET} {'long words ' * 40}")
    text = bench.text("open_incident", service="shop", title="Slow")
    assert len(text) <= LONGEST
    assert SECRET not in text


def test_numbers_that_cannot_be_read_are_named_and_the_incident_is_open_all_the_same(bench: Bench) -> None:
    class Down(Users):
        async def value(self, expression: str, at: object) -> float | None:  # type: ignore[override]  # noqa: ARG002 - a port's
            raise SourceUnavailable("users", "down")

    night = bench.night
    asking(bench, Down(night.traffic, night.database))
    text = bench.text("open_incident", service="shop", title="Slow")
    assert night.view(text.split(":")[0]).incident.status == "investigating"
    assert "Not known: users" in text
