"""Why was I paged: each message says its step, its person and its reason; what is foretold happens."""

from datetime import timedelta

import pytest

from steadyhand.journey.alert.silence import Silence
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.people import Reach
from steadyhand.journey.incident.state import Reassigned, Snoozed
from steadyhand.journey.report.paged import Told
from steadyhand.journey.report.why import Why, lines
from steadyhand.ports import SourceRefused
from steadyhand.responder.alerts.silencing import keep_quiet
from steadyhand.responder.investigation.grading import Voice, grade
from steadyhand.responder.people.handing import delegate
from steadyhand.responder.views import explain_pages
from stories.night import RULES
from stories.shift import Begin, Shift, patient, rules, tell, tier

pytestmark = pytest.mark.usefixtures("place")  # on both databases

_PRIMARY = {
    "name": "primary",
    "time_zone": "UTC",
    "handoff_notice": False,
    "layers": [{"people": ["ana"], "starts": "2026-01-01T00:00"}],
}
_ON_CALL = {"name": "first", "contacts": [{"schedule": "primary"}], "escalate_after": 15}


def why(night: Shift, incident: str) -> Why:
    return explain_pages(night.outside, incident)


def last(night: Shift, incident: str) -> Told:
    return why(night, incident).told[-1]


def heard(night: Shift) -> None:
    """Whoever rang is not what this story is about."""
    for line in night.lines.values():
        line.heard.update(one.key for one in line.rings)


@pytest.mark.parametrize(
    ("overrides", "who", "words"),
    [
        ([], "ana", "ana was on call by schedule primary at Sat 12:00 UTC"),
        (
            [{"person": "bo", "starts": "2026-01-31T08:00", "ends": "2026-01-31T20:00"}],
            "bo",
            "bo stood in on schedule primary at Sat 12:00 UTC, by an override until Sat 31 Jan 20:00",
        ),
    ],
)
def test_a_page_says_by_which_step_and_which_schedule_it_came(
    begin: Begin, overrides: list[dict[str, str]], who: str, words: str
) -> None:
    schedules = [_PRIMARY | {"overrides": overrides}]

    async def story(night: Shift) -> None:
        incident = await night.fires()
        found = last(night, incident)
        assert (found.who, found.chosen) == (who, words)
        assert (found.step, found.policy) == ("tier 1 of 2 (first)", "tiers")
        assert (found.because, found.state) == ("HighErrorRate fired", "sent")
        assert found.sent_at == night.clock.now()
        assert len(why(night, incident).version) == 12
        heard(night)

    tell(story(begin(rules(_ON_CALL, tier("lead"), schedules=schedules, people=patient()))))


def test_it_says_who_stayed_silent_before_and_that_it_is_a_reminder(begin: Begin) -> None:
    given = rules(tier("ana", after=15), escalation={"remind_every": 20})

    async def story(night: Shift) -> None:
        incident = await night.fires()
        await night.passes(minutes=5)
        found = last(night, incident)
        assert (found.channel, found.because) == ("sms", "ana did not answer by the way before")
        assert found.step == "tier 1 of 1 (ana)"
        await night.passes(minutes=10)
        found = last(night, incident)
        assert (found.step, found.because) == ("last resort", "ana did not answer")
        assert found.chosen == "the step names ana"
        await night.passes(minutes=20)
        assert last(night, incident).because == "a reminder: last_resort did not answer"
        heard(night)

    tell(story(begin(given)))


def test_whoever_it_was_given_to_and_whoever_stands_in_learns_from_whom(begin: Begin) -> None:
    given = rules(tier("ana", "bo", notify="any", after=60), people=patient())

    async def story(night: Shift) -> None:
        incident = await night.fires()
        await night.passes(minutes=5)
        found = last(night, incident)
        assert (found.who, found.because) == ("bo", "ana did not answer")
        await night.passes(minutes=1)
        to = Reach(who="cy", contacts=(Contact(type="phone", user="cy"),))
        night.happens(incident, Reassigned(by="ana", via="phone", to=to))
        await night.turn()
        found = last(night, incident)
        assert (found.who, found.because, found.chosen) == ("cy", "ana gave it to cy", "it was given to them")
        heard(night)

    tell(story(begin(given)))


def test_a_way_that_failed_and_a_person_out_of_reach_are_named_as_the_reason(begin: Begin) -> None:
    given = rules(tier("ana", "bo", notify="any", after=60), throttle={"limits": {}})

    async def story(night: Shift) -> None:
        night.lines["phone"].failure = SourceRefused("phone", "number not in use")
        incident = await night.fires()
        await night.turn()
        by_phone, by_sms = why(night, incident).told
        assert (by_phone.because, by_phone.state) == ("HighErrorRate fired", "failed")
        assert by_sms.because == "phone ana failed: phone: number not in use"
        heard(night)
        night.lines["sms"].failure = SourceRefused("sms", "no such number")
        other = await night.fires(service="wiki")
        for _ in range(3):
            await night.turn()
        found = why(night, other).told[:4]
        assert {(one.who, one.channel, one.because) for one in found} == {
            ("ana", "phone", "HighErrorRate fired"),
            ("ana", "sms", "phone ana failed: phone: number not in use"),
            ("bo", "phone", "ana cannot be reached"),
            ("bo", "sms", "phone bo failed: phone: number not in use"),
        }
        heard(night)

    tell(story(begin(given)))


def test_quiet_hours_are_named_and_that_it_does_not_escalate_by_itself(begin: Begin) -> None:
    quiet = {"quiet_hours": {"starts": "11:00", "ends": "13:00", "time_zone": "UTC"}}
    given = rules(tier("ana", after=60), people=patient(), escalation=quiet)

    async def story(night: Shift) -> None:
        incident = await night.fires(service="wiki", severity="info")
        found = why(night, incident)
        assert found.told[0].held == ("quiet hours until Sat 13:00 UTC",)
        assert found.told[0].state == "queued"
        assert "a SEV4 does not escalate by itself (severity_rules)" in found.standing
        assert found.next == ()

    tell(story(begin(given)))


def test_the_throttle_that_held_a_page_is_named_and_that_an_answer_took_it_back(
    begin: Begin,
) -> None:
    services = [{"name": one, "tier": 1} for one in ("shop", "stock")]
    given = rules(tier("ana", after=60), services=services, people=patient())

    async def story(night: Shift) -> None:
        first = await night.fires()
        await night.passes(seconds=10)
        second = await night.fires(service="stock")
        assert why(night, first).told[0].held == ()
        words = "throttle until 12:01:00 UTC: that telephone had just rung"
        assert last(night, second).held == (words,)
        night.acks(second)
        page = why(night, second).told[0]
        assert page.held == (words, "taken back before it left")
        assert why(night, second).standing == ("ana has it",)
        heard(night)

    tell(story(begin(given)))


def test_pages_that_left_as_one_message_say_so(begin: Begin) -> None:
    services = [{"name": one, "tier": 1} for one in ("shop", "stock", "cart")]
    given = rules(tier("ana", after=60), services=services, people=patient())

    async def story(night: Shift) -> None:
        first = await night.fires()
        both = [night.alert(service=one) for one in ("stock", "cart")]
        await night.passes(minutes=1)
        assert why(night, first).told[0].pages == 1
        assert [why(night, one).told[0].pages for one in both] == [2, 2]
        assert "2 pages left as one message, this among them" in "\n".join(lines(why(night, both[1])))
        heard(night)

    tell(story(begin(given)))


@pytest.mark.parametrize("known_at_once", [True, False])
def test_a_page_is_told_at_the_instant_it_left_not_at_its_deadline(
    begin: Begin, *, known_at_once: bool
) -> None:
    async def story(night: Shift) -> None:
        incident = night.alert()
        night.leave_alone(incident)
        if not known_at_once:
            with night.outside.ledger.write() as tx:
                tx.disarm(f"{incident}:enrich")
        await night.passes(seconds=10)
        (page,) = why(night, incident).told
        assert page.at == page.sent_at
        assert page.held == (() if known_at_once else ("5 s, so that it could say more (enrichment)",))
        heard(night)

    given = rules(tier("ana", after=60), people=patient(), enrichment={"deadline": "5s"})
    tell(story(begin(given)))


def test_a_silence_that_kept_its_alert_quiet_before_is_named(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        now = night.clock.now()
        silence = {"id": "sil-1", "matchers": ({"name": "service", "value": "shop"},), "author": "bo"}
        times = {"starts_at": now, "ends_at": now + timedelta(minutes=30), "reason": "moving the database"}
        keep_quiet(night.outside, Silence.model_validate(silence | times), "test")
        assert night.alert(service="shop") == ""
        await night.passes(minutes=31)
        (incident,) = night.incidents()
        (said,) = why(night, incident.id).before
        kept = "silence sil-1 of bo kept HighErrorRate on shop quiet"
        assert said == f"{kept} until 2026-01-31 12:30 UTC: moving the database"
        heard(night)

    tell(story(begin(rules(tier("ana", after=60)))))


def test_a_step_of_a_policy_that_was_replaced_is_not_explained_by_the_new_one(
    begin: Begin,
) -> None:
    grave = {"name": "grave", "tiers": [tier("boss")], "last_resort": [{"person": "boss"}]}
    written = {"policies": [grave], "assign": [{"policy": "grave", "severities": ["SEV1"]}]}
    given = rules(tier("ana", after=60), people=patient(), escalation=written)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        before = why(night, incident)
        await night.passes(minutes=1)
        grade(night.outside, incident, "SEV1", "the shop is down", Voice("bo", "human", "phone"))
        await night.turn()
        after = why(night, incident)
        old, new = after.told[0], next(one for one in after.told if one.who == "boss")
        assert (old.step, old.policy) == ("", "the policy of SEV2, replaced when the severity changed")
        assert new.because == "bo raised it from SEV2 to SEV1: the shop is down"
        assert (before.policy, after.policy) == ("tiers", "grave")
        assert before.version != after.version
        heard(night)

    tell(story(begin(given)))


def test_what_is_foretold_is_what_happens(begin: Begin) -> None:
    given = rules(tier("ana", "bo", notify="any", after=30), tier("lead"), repeat=1)

    async def story(night: Shift) -> None:
        incident = await night.fires()
        heard(night)
        foretold = why(night, incident).next
        assert len(foretold) == 12
        end = foretold[-1].at
        await night.passes(seconds=(end - night.clock.now()).total_seconds())
        happened = [one for one in why(night, incident).told if one.act == "page"][1:]
        assert sorted((one.at, one.who, one.channel, one.step) for one in happened)[:12] == sorted(
            (one.at, one.who, one.channel, one.step) for one in foretold
        )
        heard(night)

    tell(story(begin(given)))


def test_nothing_is_foretold_while_somebody_has_it_and_the_same_step_when_a_snooze_ends(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        incident = await night.fires()
        heard(night)
        until = night.clock.now() + timedelta(hours=1)
        night.happens(incident, Snoozed(by="ana", via="phone", until=until))
        found = why(night, incident)
        assert found.standing == ("ana put it off until 2026-01-31 13:00 UTC",)
        assert (found.next[0].at, found.next[0].who) == (until, "ana")
        night.acks(incident)
        assert why(night, incident).told[0].who == "ana"

    tell(story(begin()))


def test_no_step_of_a_ladder_that_was_replaced_is_foretold(begin: Begin) -> None:
    grave = {
        "name": "grave",
        "tiers": [tier("boss", after=20)],
        "repeat": 0,
        "last_resort": [{"person": "boss"}],
    }
    policies = {"policies": [grave], "assign": [{"policy": "grave", "severities": ["SEV1"]}]}
    given = rules(tier("ana", after=60), tier("lead"), escalation=policies | {"remind_every": None})

    async def story(night: Shift) -> None:
        incident = await night.fires()
        assert {one.who for one in why(night, incident).next} == {"ana", "lead"}
        to = Reach(who="cy", contacts=(Contact(type="phone", user="cy"),))
        night.happens(incident, Reassigned(by="ana", via="phone", to=to))
        assert why(night, incident).next[0].step == "tier 2 of 2 (lead)"
        grade(night.outside, incident, "SEV1", "the shop is down", Voice("bo", "human", "phone"))
        await night.turn()
        assert {one.who for one in why(night, incident).next} == {"boss"}
        heard(night)

    tell(story(begin(given)))


def test_whoever_was_asked_for_a_yes_or_no_learns_by_whom(begin: Begin) -> None:
    async def story(night: Shift) -> None:
        for one in ("ana", "bo"):
            night.hire(one)
        incident = await night.fires()
        heard(night)
        plan = night.propose(incident)
        await night.turn()
        with night.outside.ledger.read() as tx:
            ana = tx.person("ana")
        assert ana is not None
        delegate(night.outside, ana, plan.id, "bo", "test")
        await night.turn()
        heard(night)
        found = next(one for one in why(night, incident).told if "asks you for a yes or no" in one.subject)
        assert (found.who, found.because) == ("bo", "ana handed them the question")

    tell(story(begin(rules(tier("ana"), goals=RULES.model_dump()["goals"], people=patient()))))
