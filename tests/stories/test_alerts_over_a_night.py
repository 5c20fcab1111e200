"""What alerts become over a night: joined, held, quiet, over, back. In virtual time, over a real store."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.alert.silence import Silence, matcher
from steadyhand.journey.incident.state import Acknowledged, ClosedByHuman
from steadyhand.ports import Replayed
from steadyhand.responder.alerts.ears import Taken
from steadyhand.responder.alerts.hearing import hear_round
from steadyhand.responder.alerts.inbox import Arrival, Inbox, receive
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.alerts.silencing import UnknownSilence, end_quiet, keep_quiet, silences
from stories.night import Night

pytestmark = pytest.mark.usefixtures("place")  # on both databases


def alert(night: Night, name: str = "Slow", service: str = "shop", **changes: object) -> Alert:
    given = {
        "source": "test",
        "dedup_key": f"{service}:{name}",
        "name": name,
        "service": service,
        "status": "firing",
        "starts_at": night.clock.now(),
        "dated": False,
        "severity": "critical",
    }
    return Alert.model_validate(given | changes)


def post(night: Night, *alerts: Alert, wanted: str = "", raw: bytes = b"{}") -> Taken:
    (taken,) = receive(night.outside, [Arrival(Delivery(source="test", id=wanted, alerts=alerts), raw)])
    assert isinstance(taken, Taken)
    return next(iter(hear_round(night.outside)), taken)


def quiet(night: Night, *texts: str, starts: int = 0, minutes: int = 60, **changes: object) -> Silence:
    begin = night.clock.now() + timedelta(minutes=starts)
    given = {
        "id": "sil-1",
        "matchers": tuple(matcher(one) for one in texts),
        "starts_at": begin,
        "ends_at": begin + timedelta(minutes=minutes),
        "author": "ana",
        "reason": "a migration",
    }
    return keep_quiet(night.outside, Silence.model_validate(given | changes), "test")


def pages(night: Night, whom: str) -> int:
    """How often somebody was woken; being told how it goes is no waking."""
    return sum(one.target == whom and ":page:" in one.key for one in night.phone.rings)


# over and back


def test_when_all_its_alerts_are_over_nobody_is_woken_any_more_and_it_closes_by_rule(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        night.alert(status="resolved")
        assert night.view(incident).incident.recovered_at == night.clock.now()
        await night.leap(minutes=14)
        assert night.view(incident).incident.status != "resolved"
        await night.leap(minutes=2)
        after = night.view(incident).incident
        assert (after.status, after.note[:15]) == ("resolved", "Closed by rule:")
        await night.leap(minutes=240)
        assert pages(night, "bo") == 0
        assert night.actions(incident).count("incident.resolved") == 1

    asyncio.run(story())


def test_one_of_two_that_still_fires_keeps_it_open_and_the_ladder_going(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        night.alert("SlowAnswers")
        night.alert(status="resolved")
        await night.leap(minutes=16)
        assert night.view(incident).incident.recovered_at is None
        assert pages(night, "bo") == 1

    asyncio.run(story())


def test_back_before_it_closed_calls_anew_where_nobody_had_it(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        night.alert(status="resolved")
        await night.leap(minutes=5)
        night.alert()
        await night.turn()
        assert pages(night, "ana") == 2
        await night.leap(minutes=15)
        assert pages(night, "bo") == 1
        assert night.view(incident).incident.status != "resolved"

    asyncio.run(story())


def test_back_before_it_closed_wakes_nobody_where_somebody_has_it(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        await night.turn()
        tell_incident(night.outside, incident, Acknowledged(by="ana", via="test"))
        night.alert(status="resolved")
        await night.leap(minutes=5)
        rang = len(night.phone.rings)
        night.alert()
        await night.leap(minutes=60)
        assert len([one for one in night.phone.rings[rang:] if "is back" in one.body]) == 0
        assert night.view(incident).incident.acked_by == "ana"
        assert "incident.back" in night.actions(incident)

    asyncio.run(story())


def test_a_rollout_under_way_is_never_cut_short_by_alerts_that_are_over(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        plan = night.propose(incident)
        await night.answer(plan)
        assert night.view(incident).incident.status == "rolling_out"
        night.alert(status="resolved")
        seen = night.view(incident).incident
        assert (seen.status, seen.recovered_at) == ("rolling_out", None)
        await night.turn()
        assert night.view(incident).rollout is not None

    asyncio.run(story())


def test_fires_on_and_on_after_a_person_closed_it_and_is_an_incident_again_in_the_end(night: Night) -> None:
    async def story() -> None:
        post(night, alert(night, starts_at=night.clock.now() - timedelta(minutes=1), dated=True))
        (first,) = night.incidents()
        began = first.alerts[0].starts_at
        tell_incident(night.outside, first.id, ClosedByHuman(by="ana", via="test", why="a false alarm"))
        await night.leap(minutes=5)
        assert post(night, alert(night, starts_at=began, dated=True)).incidents == (first.id,)
        assert night.view(first.id).incident.status == "resolved"
        await night.leap(minutes=30)
        (second,) = post(night, alert(night, starts_at=began, dated=True)).incidents
        assert second != first.id

    asyncio.run(story())


# together


def test_alerts_one_step_apart_are_one_incident_that_names_both_services(night: Night) -> None:
    taken = post(night, alert(night), alert(night, "Full", "postgres"), alert(night, "Other", "elsewhere"))
    assert taken.incidents == ("inc-1", "inc-2")
    assert night.view("inc-1").incident.services == ("shop", "postgres")


def test_a_new_trouble_of_an_old_incident_s_service_wakes_somebody(night: Night) -> None:
    async def story() -> None:
        first = night.alert()
        await night.turn()
        tell_incident(night.outside, first, Acknowledged(by="ana", via="test"))
        await night.leap(minutes=11)
        second = night.alert("DiskFull")
        await night.turn()
        assert second != first
        assert any("DiskFull" in one.body and second in one.body for one in night.phone.rings)

    asyncio.run(story())


def test_a_graver_alert_that_joins_makes_the_incident_graver_and_calls_anew(night: Night) -> None:
    async def story() -> None:
        night.users.blind = True  # nothing is measured: only words say how bad it is
        incident = post(night, alert(night, severity="info")).incidents[0]
        await night.turn()
        assert night.view(incident).incident.severity == "SEV4"
        post(night, alert(night, "DataLoss", summary="data loss in orders"))
        await night.turn()
        await night.turn()
        assert night.view(incident).incident.severity == "SEV1"
        assert any("DataLoss on shop joined" in one.body for one in night.phone.rings)

    asyncio.run(story())


def test_a_storm_is_counted_to_the_last_alert_and_listed_in_part(night: Night) -> None:
    async def story() -> None:
        storm = [alert(night, f"Slow{number}") for number in range(300)]
        incident = post(night, *storm).incidents[0]
        await night.turn()
        seen = night.view(incident).incident
        assert (len(seen.alerts), seen.unlisted) == (20, 280)
        assert pages(night, "ana") == 1
        over = [one.model_copy(update={"status": "resolved"}) for one in storm]
        post(night, *over[:299])
        assert night.view(incident).incident.firing
        post(night, over[299])
        assert night.view(incident).incident.recovered_at is not None

    asyncio.run(story())


# flapping


def test_a_flapping_alert_pages_a_bounded_number_of_times_is_named_and_closes_once_calm(night: Night) -> None:
    async def story() -> None:
        incident = ""
        for turn in range(20):
            incident = post(night, alert(night, status=("firing", "resolved")[turn % 2])).incidents[0]
            await night.leap(seconds=10)
        seen = night.view(incident).incident
        assert seen.flapping == ("Slow",)
        assert seen.recovered_at is None
        assert pages(night, "ana") <= 3
        assert night.actions(incident).count("alert.flapping") == 1
        await night.leap(minutes=16)
        assert night.view(incident).incident.flapping == ()
        await night.leap(minutes=16)
        assert night.view(incident).incident.status == "resolved"

    asyncio.run(story())


# quiet


def test_a_silenced_alert_wakes_nobody_and_pages_when_it_still_fires_at_the_end(
    night: Night,
) -> None:
    async def story() -> None:
        quiet(night, "service=shop", minutes=60)
        taken = post(night, alert(night))
        assert (taken.incidents, taken.silenced) == ((), 1)
        await night.leap(minutes=59)
        assert night.phone.rings == []
        await night.leap(minutes=1)
        await night.turn()
        (incident,) = night.incidents()
        assert incident.alerts[0].name == "Slow"
        assert pages(night, "ana") == 1

    asyncio.run(story())


def test_one_that_is_over_before_the_end_wakes_nobody_ever(night: Night) -> None:
    async def story() -> None:
        quiet(night, "service=shop")
        post(night, alert(night))
        post(night, alert(night, status="resolved"))
        await night.leap(minutes=90)
        assert (night.phone.rings, night.incidents()) == ([], [])

    asyncio.run(story())


def test_a_window_of_tomorrow_keeps_nothing_quiet_today(night: Night) -> None:
    async def story() -> None:
        quiet(night, "service=shop", starts=60, kind="maintenance")
        assert post(night, alert(night, "Early")).incidents
        await night.leap(minutes=75)
        assert post(night, alert(night, "Later")).silenced == 1
        assert len(silences(night.outside)) == 1
        await night.leap(minutes=60)
        assert any(one.alerts[0].name == "Later" for one in night.incidents())

    asyncio.run(story())


def test_an_incident_that_is_open_already_is_left_to_its_people(night: Night) -> None:
    async def story() -> None:
        incident = night.alert()
        quiet(night, "service=shop")
        await night.leap(minutes=16)
        assert pages(night, "bo") == 1
        night.alert(status="resolved")
        assert night.view(incident).incident.recovered_at is not None

    asyncio.run(story())


def test_ending_a_silence_early_pages_at_once(night: Night) -> None:
    async def story() -> None:
        quiet(night, "service=shop")
        post(night, alert(night))
        end_quiet(night.outside, "sil-1", "bo", "test")
        await night.turn()
        await night.turn()
        assert pages(night, "ana") == 1
        with pytest.raises(UnknownSilence):
            end_quiet(night.outside, "sil-1", "bo", "test")
        await night.leap(minutes=61)
        assert len(night.incidents()) == 1

    asyncio.run(story())


def test_two_silences_over_one_alert_are_both_waited_for(night: Night) -> None:
    async def story() -> None:
        quiet(night, "service=shop", minutes=30)
        post(night, alert(night))
        quiet(night, "name=Slow", minutes=60, id="sil-2")
        await night.leap(minutes=31)
        assert night.incidents() == []
        await night.leap(minutes=31)
        assert len(night.incidents()) == 1

    asyncio.run(story())


def test_who_set_a_silence_and_why_stands_in_the_trail(night: Night) -> None:
    quiet(night, "service=shop")
    with night.outside.ledger.read() as tx:
        (entry,) = [one for one in tx.trail() if one.action == "silence.set"]
    assert (entry.actor, entry.body["matches"], entry.body["reason"]) == (
        "ana",
        "service=shop",
        "a migration",
    )


# the same post again


def test_the_same_post_again_counts_once_and_another_under_its_id_is_refused(night: Night) -> None:
    first = post(night, alert(night), wanted="wh-1", raw=b"one")
    again = post(night, alert(night), wanted="wh-1", raw=b"one")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert night.incidents()[0].repeats == 0
    delivery = Delivery(source="test", id="wh-1", alerts=(alert(night, "Forged"),))
    (refused,) = receive(night.outside, [Arrival(delivery, b"two")])
    assert isinstance(refused, Replayed)
    assert len(night.incidents()[0].alerts) == 1


def test_posts_that_come_at_once_share_a_commit_and_each_is_answered(night: Night, tmp_path: Path) -> None:
    async def story() -> None:
        inbox = Inbox(night.outside)
        arrivals = [
            Arrival(
                Delivery(source="test", id=f"wh-{one % 40}", alerts=(alert(night, f"A{one % 40}"),)), b"x"
            )
            for one in range(50)
        ]
        taken = await asyncio.gather(*(inbox.take(one, within=9) for one in arrivals))
        assert sum(one.duplicate for one in taken) == 10
        assert {one.incidents for one in taken if not one.duplicate} == {("inc-1",)}

    asyncio.run(story())


def test_one_bad_post_of_a_round_hinders_none_of_the_others(night: Night) -> None:
    async def story() -> None:
        inbox = Inbox(night.outside)
        good = [Arrival(Delivery(source="test", alerts=(alert(night, f"A{one}"),)), b"x") for one in range(4)]
        bad = Arrival(Delivery.model_construct(source="test", id="", alerts=(object(),), note=""), b"x")
        mixed = [inbox.take(one, within=9) for one in (*good[:2], bad, *good[2:])]
        taken = await asyncio.gather(*mixed, return_exceptions=True)
        assert [isinstance(one, Taken) for one in taken] == [True, True, False, True, True]
        assert len(night.incidents()[0].alerts) == 4

    asyncio.run(story())
