"""What a page says beside the alert, and that it never waits longer than the deadline."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.journey.alert.enrichment import Enrichment
from steadyhand.journey.alert.rule import EnrichmentRule
from steadyhand.journey.evidence.model import Change, Series, Window
from steadyhand.journey.incident.state import Investigated
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.ports import SourceUnavailable
from steadyhand.responder.alerts.intake import tell_incident
from stories.night import RULES, Night

POOL = GoalRule(name="busy", expression="busy connections", bound=0.9)
TOLD = RULES.model_copy(
    update={
        "enrichment": EnrichmentRule(deadline=timedelta(seconds=5)),
        "goals": RULES.goals | {"postgres": (POOL,)},
    }
)


class Metrics:
    """Failed answers: one in three now, next to none at all other times. It may hang, or be away."""

    name = "users"

    def __init__(self, night: Night) -> None:
        self.night = night
        self.hangs = False
        self.away = False
        self.asked = 0

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        del selector, window, step
        return ()

    async def value(self, expression: str, at: datetime) -> float | None:
        self.asked += 1
        if self.hangs:
            await self.night.clock.sleep(timedelta(hours=1))
        if self.away:
            raise SourceUnavailable("users", "not reachable")
        if expression == POOL.expression:
            return 0.97
        hurts = self.night.clock.now() - at < timedelta(minutes=1)
        return 0.31 if hurts else 0.01


class Informed(Night):
    def restart(self) -> None:
        self.metrics = Metrics(self)
        self.users = self.metrics
        super().restart()


@pytest.fixture
def night(tmp_path: Path) -> Informed:
    return Informed(tmp_path, TOLD)


def pages(night: Night) -> list[str]:
    return [one.body for one in night.phone.rings if ":page:" in one.key]


async def look(night: Night) -> None:
    """The worker looks in one turn and sends in the next ones, to each person one message at a time."""
    for _ in range(4):
        await night.turn()


def test_a_page_says_what_is_normal_what_changed_and_who_else_is_sick(
    night: Informed,
) -> None:
    async def story() -> None:
        first = night.alert()
        await look(night)
        night.alert(status="resolved")
        await night.leap(minutes=30)
        await night.clock.advance(minutes=60 * 24)
        change = Change(
            id="deploy-1",
            service="shop",
            kind="code",
            version="1.1",
            summary="retry lookups",
            started_at=night.clock.now() - timedelta(minutes=7),
        )
        with night.outside.ledger.write() as tx:
            tx.keep_change(change)
        night.phone.rings.clear()
        night.alert("PoolFull", service="elsewhere")
        second = night.alert()
        await look(night)
        body = next(one for one in pages(night) if second in one)
        assert "HighErrorRate is firing." in body
        assert "Now 0.31; normal: 0.01 calm minutes before" in body
        assert "0.01 same hour yesterday, 0.01 same hour last week (31 times that)" in body
        assert "Changed lately: shop code 1.1: retry lookups (7 min ago)" in body
        assert f"Seen before: {first} 24 h ago: Closed by rule" in body
        assert "Around it: postgres has no alert firing; busy is 0.97" in body

    asyncio.run(story())


def test_it_stands_on_the_incident_s_page_too(night: Informed) -> None:
    async def story() -> None:
        incident = night.alert()
        await look(night)
        with night.outside.ledger.read() as tx:
            found = tx.latest("enrichment", incident, Enrichment)
        assert found is not None
        assert [one.when for one in found.levels] == ["now", "calm", "yesterday", "last_week"]
        assert all(len(one.samples) == 5 for one in found.levels[1:])
        assert [(one.service, one.side, one.sick) for one in found.neighbours] == [
            ("postgres", "below", True)
        ]
        assert night.view(incident).enrichment == found

    asyncio.run(story())


def test_a_source_that_hangs_holds_a_page_until_the_deadline_and_no_longer(night: Informed) -> None:
    async def story() -> None:
        night.metrics.hangs = True
        night.alert()
        with night.outside.ledger.write() as tx:
            tx.disarm("inc-1:investigate")  # it would wait for the same source, and be given up by itself
        await night.worker.turn()
        for _ in range(400):
            await asyncio.sleep(0.005)  # the store works in threads of its own
            if night.metrics.asked == 18:
                break
        await night.clock.advance(seconds=4)
        await night.worker.turn()
        assert pages(night) == []
        await night.clock.advance(seconds=1)
        await night.worker.settle()
        await look(night)
        (body,) = pages(night)
        assert "is firing." in body
        assert "numbers did not come in time" in body

    asyncio.run(story())


def test_a_source_that_is_away_is_named_and_holds_nothing(night: Informed) -> None:
    async def story() -> None:
        night.metrics.away = True
        night.alert()
        await look(night)
        (body,) = pages(night)
        assert "Not known: users: not reachable" in body

    asyncio.run(story())


def test_a_look_that_dies_with_its_process_holds_no_page_beyond_the_deadline(night: Informed) -> None:
    async def story() -> None:
        night.alert()
        with night.outside.ledger.write() as tx:
            tx.disarm("inc-1:enrich")  # the look never happens
        await night.leap(seconds=4)
        assert pages(night) == []
        await night.leap(seconds=1)
        (body,) = pages(night)
        assert "is firing." in body

    asyncio.run(story())


def test_an_acknowledgement_before_the_deadline_takes_the_held_page_back(night: Informed) -> None:
    async def story() -> None:
        incident = night.alert()
        night.alert(status="resolved")
        await night.leap(seconds=6)
        assert pages(night) == []
        assert night.view(incident).incident.recovered_at is not None

    asyncio.run(story())


def test_what_is_written_once_a_page_may_leave_does_not_overtake_it_either(night: Informed) -> None:
    async def story() -> None:
        incident = night.alert()
        night.leave_alone(incident)
        until = night.clock.now() + TOLD.enrichment.deadline
        await night.clock.advance(seconds=1)
        with night.outside.ledger.write() as tx:
            tx.disarm(f"{incident}:enrich")
            assert tx.release_pages(incident, "Nothing changed lately.", until, night.clock.now()) == 1
        await night.clock.advance(seconds=0.01)
        nothing = Investigated(evidence_at=night.clock.now(), started_at=None, headline="Nothing known.")
        tell_incident(night.outside, incident, nothing)
        await look(night)
        assert [":page:" in one.key for one in night.phone.rings] == [True, False]

    asyncio.run(story())


@pytest.mark.parametrize("look_at_once", [True, False])
def test_what_follows_never_overtakes_a_page_that_is_held(night: Informed, *, look_at_once: bool) -> None:
    async def story() -> None:
        incident = night.alert()
        night.leave_alone(incident)
        if not look_at_once:
            with night.outside.ledger.write() as tx:
                tx.disarm(f"{incident}:enrich")
        await night.clock.advance(seconds=1)
        nothing = Investigated(evidence_at=night.clock.now(), started_at=None, headline="Nothing known.")
        tell_incident(night.outside, incident, nothing)
        await look(night)
        assert bool(night.phone.rings) is look_at_once
        await night.leap(seconds=5)
        await look(night)
        first, second = night.phone.rings
        assert ":page:" in first.key
        assert "over to you" in second.subject

    asyncio.run(story())
