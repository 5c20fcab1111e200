"""A post is on disk before it is answered and heard afterwards: late if need be, once, or a human is told."""

import asyncio
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger.shelf import raw
from sqlalchemy import update

from steadyhand.adapters.ledger import schema
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.responder.alerts.ears import Pace, Taken
from steadyhand.responder.alerts.hearing import hear_all, hear_round, retry_given_up
from steadyhand.responder.alerts.inbox import Arrival, Inbox, receive
from stories.night import Night

HELP = "STEADYHAND NEEDS HELP"


def alert(night: Night, key: str = "a", status: str = "firing", **changes: object) -> Alert:
    given = {"source": "test", "dedup_key": key, "name": key, "service": "shop", "status": status}
    return Alert.model_validate(given | {"starts_at": night.clock.now(), "dated": False} | changes)


def post(night: Night, *alerts: Alert, wanted: str = "") -> Taken:
    (taken,) = receive(night.outside, [Arrival(Delivery(source="test", id=wanted, alerts=alerts), b"{}")])
    assert isinstance(taken, Taken)
    return taken


def hear(night: Night) -> None:
    while hear_round(night.outside):
        pass


def spoil(night: Night, receipt: int) -> None:
    """What it told can be read no more."""
    with night.outside.ledger.doors.writer.begin() as db:
        row = update(schema.alert_waiting).where(schema.alert_waiting.c.post == receipt)
        db.execute(row.values(alerts="{"))


def test_a_post_that_was_answered_before_a_kill_is_heard_by_the_next_process(night: Night) -> None:
    async def story() -> None:
        post(night, alert(night))
        assert night.incidents() == []
        night.restart()
        await night.leap(minutes=2)
        await night.leap(seconds=1)
        (incident,) = night.incidents()
        assert incident.opened_at == night.clock.now() - timedelta(seconds=1)
        assert [one.key for one in night.phone.rings if ":0:page:0:" in one.key] == [
            "inc-1:0:page:0::phone:ana"
        ]

    asyncio.run(story())


def test_posts_are_heard_in_the_order_they_came_whoever_hears(night: Night) -> None:
    post(night, alert(night))
    post(night, alert(night, status="resolved"))
    night.restart()
    hear(night)
    (incident,) = night.incidents()
    assert incident.recovered_at is not None


def test_two_that_hear_at_once_hear_each_post_once(night: Night) -> None:
    async def story() -> None:
        for number in range(20):
            post(night, alert(night, f"a{number}"))
        await asyncio.gather(*(asyncio.to_thread(hear, night) for _ in range(3)))
        (incident,) = night.incidents()
        assert (len(incident.alerts), incident.repeats) == (20, 0)

    asyncio.run(story())


def test_a_post_nobody_can_hear_hinders_no_other_is_given_up_and_pages(night: Night) -> None:
    async def story() -> None:
        spoil(night, post(night, alert(night, "bad")).receipt)
        post(night, alert(night, "good"))
        hear(night)
        assert [one.title for one in night.incidents()] == ["good"]
        await night.pass_time(8)
        (told,) = {one.body for one in night.phone.rings if one.subject == HELP}
        assert "from test is stored (number 1) and cannot be heard" in told
        figures = night.outside.ledger.figures(night.clock.now())
        assert (figures.backlog.posts, figures.backlog.given_up) == (0, 1)

    asyncio.run(story())


def test_a_post_that_was_given_up_is_tried_once_more_at_the_next_start(night: Night) -> None:
    async def story() -> None:
        receipt = post(night, alert(night)).receipt
        kept = raw(night.path, "select alerts from alert_waiting")[0][0]
        spoil(night, receipt)
        await night.pass_time(8)
        with night.outside.ledger.doors.writer.begin() as db:
            db.execute(update(schema.alert_waiting).values(alerts=kept))
        night.restart()
        retry_given_up(night.outside)
        await night.pass_time(2)
        assert len(night.incidents()) == 1

    asyncio.run(story())


def test_a_mere_repeat_rewrites_no_document_and_is_counted(night: Night) -> None:
    post(night, alert(night))
    hear(night)
    before = raw(night.path, "select state from alert_track")
    for _ in range(3):
        post(night, alert(night))
    hear(night)
    assert raw(night.path, "select state from alert_track") == before
    assert raw(night.path, "select count from alert_track") == [(4,)]
    assert night.incidents()[0].repeats == 3
    post(night, alert(night, summary="it is worse"))
    hear(night)
    assert json.loads(raw(night.path, "select state from alert_track")[0][0])["count"] == 5


def test_who_asks_is_told_which_incident_a_post_became(night: Night) -> None:
    async def story() -> None:
        inbox = Inbox(night.outside)
        taken = await inbox.take(Arrival(Delivery(source="test", alerts=(alert(night),)), b"{}"), within=9)
        assert (taken.heard, taken.incidents) == (True, ("inc-1",))

    asyncio.run(story())


def test_who_asks_in_vain_is_told_that_the_post_is_stored(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        assert night.outside.ears.begin()  # this process is busy with others, and stays so
        arrival = Arrival(Delivery(source="test", alerts=(alert(night),)), b"{}")
        taken = await Inbox(night.outside).take(arrival, within=0.01)
        assert (taken.heard, taken.note) == (False, "stored, not yet heard")
        night.outside.ears.end()
        await hear_all(night.outside)
        assert len(night.incidents()) == 1

    asyncio.run(story())


def test_a_round_that_took_long_makes_the_next_ones_smaller_and_a_quick_one_larger() -> None:
    pace = Pace()
    whole = pace.alerts
    pace.took(0.4)
    long = pace.alerts
    assert long == whole // 2
    pace.took(0.001)
    assert pace.alerts == whole
    for _ in range(20):
        pace.took(60)
    assert 0 < pace.alerts < long


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["firing", "firing", "resolved"]), st.sampled_from("ab")),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.tuples(st.sampled_from(["hear", "restart", "jump"]), st.integers(-30, 90)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_comes_in_whichever_order_nothing_is_lost_and_nothing_doubled(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, object]]
) -> None:
    night = Night(tmp_path_factory.mktemp("night"))
    sent: list[tuple[str, str]] = []
    for what, which in deeds:
        if what in ("firing", "resolved"):
            sent.append((what, str(which)))
            post(night, alert(night, str(which), what), wanted=f"wh-{len(sent)}")
        elif what == "again" and sent:
            number = int(str(which)) % len(sent)
            status, key = sent[number]
            assert post(night, alert(night, key, status), wanted=f"wh-{number + 1}").duplicate
        elif what == "hear":
            hear_round(night.outside)
        elif what == "restart":
            night.restart()
        elif what == "jump":
            asyncio.run(night.clock.advance(seconds=max(0, int(str(which)))))
    hear(night)
    assert raw(night.path, "select count(*) from alert_waiting") == [(0,)]
    assert raw(night.path, "select count(*) from alert_post") == [(len(sent),)]
    found = dict(raw(night.path, "select dedup_key, count from alert_track"))
    assert found == {key: count for key in "ab" if (count := _counted([s for s, k in sent if k == key]))}


def _counted(statuses: list[str]) -> int:
    """How often an alert is known to have been heard: ends before its first beginning are nobody's."""
    begun = next((place for place, one in enumerate(statuses) if one == "firing"), len(statuses))
    return len(statuses) - begun
