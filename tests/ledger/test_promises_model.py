"""Any order of alerts, answers, restarts and jumps of the clock both ways, against a model of the promises.

Held after every step: no page by a tier's silence after an acknowledgement of that episode; no key is sent
twice; no rollout without an approval of its own plan, used once. Held in the end: of an incident that
escalates by itself and that nobody acknowledged every tier was told, twice in turn, then all at once.
"""

import asyncio
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from stores import Place, new_database
from stories.night import RULES, TIERS, Night

from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.incident.state import Acknowledged, ClosedByHuman
from steadyhand.journey.remedy.plan import Plan
from steadyhand.ports import Letter
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.testing.phone import Phone

BOSS = Tier(name="boss", contacts=(Contact(type="phone", user="cy"),), escalate_after=timedelta(minutes=30))
LADDER = EscalationRule(tiers=(*TIERS, BOSS), repeat=1)
STEPS = st.sampled_from([1, 7, 60, 5 * 60, 15 * 60, 3 * 3600])
ALERTS = st.sampled_from(["HighErrorRate", "SlowAnswers"])


class CountingPhone(Phone):
    """Counts what is sent, repeats included."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: Counter[str] = Counter()

    async def send(self, letter: Letter) -> str:
        self.sent[letter.key] += 1
        return await super().send(letter)


class Promises(RuleBasedStateMachine):
    """One service, its alerts, its people, and what they were promised."""

    def __init__(self, place: Place | None = None) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        rules = RULES.model_copy(update={"escalation": LADDER})
        self.night = Night(Path(self._folder.name), rules, place)
        self.night.phone = CountingPhone()
        self.night.restart()
        self.night.hire()
        self.acked: dict[tuple[str, int], int] = {}
        self.approved: dict[str, str] = {}
        self.plans: list[Plan] = []

    def teardown(self) -> None:
        self.loop.close()
        self.night.outside.ledger.close()
        self._folder.cleanup()

    def _turn(self) -> None:
        self.loop.run_until_complete(self.night.turn())

    @property
    def newest(self) -> str:
        return self.night.incidents()[0].id

    @property
    def some(self) -> bool:
        return bool(self.night.incidents())

    # what may happen

    @rule(name=ALERTS, times=st.integers(1, 3))
    def fires(self, name: str, times: int) -> None:
        for _ in range(times):
            self.night.alert(name)

    @rule(name=ALERTS)
    def stops(self, name: str) -> None:
        self.night.alert(name, status="resolved")

    @rule()
    def the_worker_turns(self) -> None:
        self._turn()

    @rule(seconds=STEPS)
    def time_passes(self, seconds: int) -> None:
        self.loop.run_until_complete(self.night.clock.advance(seconds=seconds))

    @rule(seconds=STEPS)
    def the_clock_is_set_back(self, seconds: int) -> None:
        self.night.clock.set_back(timedelta(seconds=seconds))

    @rule()
    def the_service_is_killed(self) -> None:
        self.night.restart()

    @precondition(lambda self: self.some)
    @rule(by=st.sampled_from(["ana", "bo"]))
    def somebody_acknowledges(self, by: str) -> None:
        before = self.night.view(self.newest).incident
        after = tell_incident(self.night.outside, before.id, Acknowledged(by=by, via="test"))
        if after.acked_by and before.status != "resolved":
            self.acked.setdefault((after.id, after.episode), len(self.night.phone.rings))

    @precondition(lambda self: self.some)
    @rule()
    def somebody_closes(self) -> None:
        tell_incident(self.night.outside, self.newest, ClosedByHuman(by="ana", via="test", why="a drill"))

    @precondition(lambda self: self.some)
    @rule()
    def a_plan_is_found(self) -> None:
        if self.night.view(self.newest).incident.status == "investigating":
            self.plans.append(self.night.propose(self.newest))

    @precondition(lambda self: bool(self.plans))
    @rule(data=st.data(), answer=st.sampled_from(["approve", "reject"]))
    def somebody_answers_any_plan(self, data: st.DataObject, answer: str) -> None:
        plan = data.draw(st.sampled_from(self.plans))
        incident = self.night.view(plan.incident).incident
        try:
            self.loop.run_until_complete(self.night.answer(plan, answer, reason="so"))
        except Refused:
            return
        assert self.approved.setdefault(plan.id, answer) == answer
        assert incident.plan == plan.id
        self.acked.setdefault((incident.id, incident.episode), len(self.night.phone.rings))

    # what must hold

    @invariant()
    def no_key_is_sent_twice(self) -> None:
        assert set(self.night.phone.sent.values()) <= {1}

    @invariant()
    def no_silence_is_told_after_an_acknowledgement(self) -> None:
        for (incident, episode), rings in self.acked.items():
            late = self.night.phone.rings[rings:]
            assert [
                one
                for one in late
                if one.key.startswith(f"{incident}:{episode}:page:") and "did not answer" in one.body
            ] == []

    @invariant()
    def no_rollout_without_its_own_approval_used_once(self) -> None:
        with self.night.outside.ledger.read() as tx:
            trail = tx.trail()
            started = [one.body["rollout"] for one in trail if one.action == "rollout.started"]
            assert len(set(started)) == len(started)
            used = Counter()
            for wanted in started:
                rollout = tx.rollout(wanted)
                decision = tx.decision(rollout.plan.id)
                assert self.approved.get(rollout.plan.id) == "approve"
                assert decision.digest == rollout.plan.digest
                assert decision.used_at is not None
                used[rollout.plan.id] += 1
            assert all(count == 1 for count in used.values())

    @invariant()
    def the_trail_holds(self) -> None:
        with self.night.outside.ledger.read() as tx:
            assert find_problem(tx.audit.rows()) == ""

    @precondition(lambda self: self.some)
    @rule()
    def in_the_end_every_tier_was_told_or_somebody_has_it(self) -> None:
        for _ in range(30):
            self.loop.run_until_complete(self.night.clock.advance(minutes=20))
            self._turn()
            self._turn()
        for incident in self.night.incidents():
            if incident.acked_by or incident.status == "resolved":
                continue
            pages = [
                one.target
                for one in self.night.phone.rings
                if one.key.startswith(f"{incident.id}:{incident.episode}:page:")
                and "Nobody has it since" not in one.body  # a reminder, of which there is no end
            ]
            assert Counter(pages) == {"ana": 3, "bo": 3, "cy": 3}  # two rounds, then everybody


Promises.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPromises = Promises.TestCase


def test_they_are_kept_on_postgresql_too(postgres_server: str) -> None:
    few = settings(Promises.TestCase.settings, max_examples=5, stateful_step_count=20)
    with ExitStack() as databases:
        run_state_machine_as_test(
            lambda: Promises(databases.enter_context(new_database(postgres_server))), settings=few
        )
