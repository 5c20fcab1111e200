"""Whatever is denied, expired or refused, at whichever door, leaves a line of who tried what, and why not."""

import contextlib
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.types import Implementation
from web.house import INGEST, House, basic, bearer
from web.test_console_on_call import staff
from web.test_rollout_doors import undecided

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.remedy.plan import Plan
from steadyhand.ports import SourceRefused
from steadyhand.testing.traffic import TrafficSimulator
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

pytestmark = pytest.mark.anyio
Attempt = Callable[[House, str], Awaitable[object]]


def lines(house: House) -> list[Entry]:
    with house.outside.ledger.read() as tx:
        assert find_problem(tx.audit.rows()) == ""
        return list(tx.trail())


def of(house: House, action: str) -> Entry:
    """The newest line of this kind."""
    found = [one for one in lines(house) if one.action == action]
    assert found, [one.action for one in lines(house)]
    return found[-1]


async def ask(
    house: House, path: str, body: object, name: str = "ana", pin: str = "314159"
) -> httpx2.Response:
    async with house.client(headers=basic(name, pin)) as machine:
        return await machine.post(path, json=body)


def plan_of(house: House, incident: str) -> Plan:
    found = house.view(incident).plan
    assert found is not None
    return found


def terminal(path: str, body: object, name: str = "ana", pin: str = "314159") -> Attempt:
    """A deed at the terminal's door; {incident} and {plan} stand for those in question."""

    async def attempt(house: House, incident: str) -> None:
        plan = house.view(incident).incident.plan
        answer = await ask(house, path.format(incident=incident, plan=plan), body, name, pin)
        assert answer.status_code in (401, 409), answer.text

    return attempt


def console(path: str, name: str = "ana", **fields: str) -> Attempt:
    """The same on the console."""

    async def attempt(house: House, incident: str) -> None:
        plan = house.view(incident).incident.plan
        answer = await (await house.visit(name)).post(path.format(incident=incident, plan=plan), **fields)
        assert answer.status_code == 409, answer.text

    return attempt


def stranger(path: str, headers: dict[str, str] | None = None, **fields: str) -> Attempt:
    """Somebody with no PIN, no session and no token, or a wrong one."""

    async def attempt(house: House, incident: str) -> None:
        async with house.client(headers=headers or {}) as nobody:
            given = {"json": fields} if headers else {"data": fields}
            answer = await nobody.post(path.format(incident=incident, plan="plan-1"), **given)
        assert answer.status_code in (303, 401), answer.text

    return attempt


async def expired(house: House, incident: str) -> None:
    """The answer to a question whose time is over."""
    plan = plan_of(house, incident)
    await house.clock.advance(plan.expires_at - house.clock.now())
    assert (await ask(house, f"/api/plans/{plan.id}/decision", yes(plan))).status_code == 409


async def second(house: House, incident: str) -> None:
    """Two people click at once: the second is told who was first."""
    plan = plan_of(house, incident)
    assert (await ask(house, f"/api/plans/{plan.id}/decision", yes(plan))).status_code == 200
    assert (await ask(house, f"/api/plans/{plan.id}/decision", yes(plan))).status_code == 409


def yes(plan: Plan) -> dict[str, str]:
    return {"digest": plan.digest, "answer": "approve"}


STALE = {"digest": "0" * 64, "answer": "approve"}
DECISION, ABORT = "/api/plans/{plan}/decision", "/api/incidents/{incident}/abort"
NO_PROOF = "no proof of who it is"


@pytest.mark.parametrize(
    ("attempt", "action", "actor", "why"),
    [
        (terminal(DECISION, STALE), "decision.refused", "ana", "not the plan that is stored"),
        (terminal(DECISION, STALE, "sam"), "decision.refused", "sam", "sam may not approve"),
        (
            console("/plans/{plan}/decision", "sam", answer="approve"),
            "decision.refused",
            "sam",
            "may not approve",
        ),
        (console("/plans/{plan}/decision", answer="reject"), "decision.refused", "ana", "needs a reason"),
        (expired, "decision.refused", "ana", "the plan has expired"),
        (second, "decision.refused", "ana", "ana decided already"),
        (terminal(DECISION, STALE, pin="000000"), "sign_in.refused", "ana", "wrong name or PIN"),
        (terminal(ABORT, {"why": "w"}, "mallory"), "sign_in.refused", "mallory", "wrong name or PIN"),
        (terminal(ABORT, {"why": "w"}), "deed.refused", "ana", "no rollout is under way"),
        (console("/incidents/{incident}/abort"), "deed.refused", "ana", "no rollout is under way"),
        (stranger("/incidents/{incident}/abort"), "door.refused", "somebody", "nobody was signed in"),
        (
            stranger("/plans/{plan}/decision", answer="approve"),
            "door.refused",
            "somebody",
            "nobody was signed in",
        ),
        (stranger(ABORT), "door.refused", "somebody", NO_PROOF),
        (stranger("/alerts/generic", bearer("x" * 20)), "door.refused", "somebody", NO_PROOF),
        (stranger("/changes", bearer("x" * 20)), "door.refused", "somebody", NO_PROOF),
        (stranger("/heartbeats/backup", bearer("x" * 20)), "door.refused", "somebody", NO_PROOF),
        (terminal("/api/incidents/{incident}/snooze", {"span": "99h"}), "deed.refused", "ana", "at most 24h"),
        (console("/incidents/{incident}/snooze", span="48h"), "deed.refused", "ana", "at most 24h"),
        (
            terminal("/api/incidents/{incident}/reassign", {"to": "eve"}),
            "deed.refused",
            "ana",
            "nobody here is called 'eve'",
        ),
        (
            terminal("/api/plans/{plan}/delegate", {"to": "sam"}),
            "delegation.refused",
            "ana",
            "sam may not approve",
        ),
        (
            terminal("/api/incidents/{incident}/judgement", {"verdict": "unknown"}),
            "deed.refused",
            "ana",
            "judged once it is over",
        ),
        (
            terminal("/api/incidents/{incident}/promote", {"why": "w"}),
            "deed.refused",
            "ana",
            "no rollout is under way",
        ),
        (
            terminal("/api/incidents/{incident}/widen", {"share": "25%"}),
            "deed.refused",
            "ana",
            "no rollout is under way",
        ),
        (
            terminal("/api/incidents/{incident}/update", {"text": "all is well"}),
            "stakeholders.none",
            "ana",
            "",
        ),
        (terminal("/api/shifts/shift-9/undo", {}), "deed.refused", "ana", "no change 'shift-9'"),
    ],
)
async def test_a_refused_attempt_is_on_record(
    house: House, attempt: Attempt, action: str, actor: str, why: str
) -> None:
    house.hire("sam", role="watcher")
    incident = await house.break_shop()
    await attempt(house, incident)
    line = of(house, action)
    assert (line.actor, why in line.body.get("why", "")) == (actor, True), line
    about_it = action not in ("sign_in.refused", "door.refused") and "shift" not in line.body.get("deed", "")
    assert line.incident == (incident if about_it else "")


async def test_a_question_nobody_answers_in_time_is_on_record(house: House) -> None:
    incident = await house.break_shop()
    await house.leap(minutes=5)
    line = of(house, "approval.unanswered")
    assert (line.incident, line.body["plan"]) == (incident, plan_of(house, incident).id)


async def test_wider_traffic_and_a_promotion_that_a_rule_forbids_are_on_record(house: House) -> None:
    house.hire("sam", role="watcher")
    incident = await undecided(house)
    for path, body, name, why in (
        ("promote", {"why": "w"}, "ana", "only in a SEV1"),
        ("promote", {"why": "w"}, "sam", "sam may not decide this"),
        ("widen", {"share": "99%"}, "ana", "choose one of"),
    ):
        assert (await ask(house, f"/api/incidents/{incident}/{path}", body, name)).status_code == 409
        line = of(house, "deed.refused")
        assert (line.incident, line.actor, why in line.body["why"]) == (incident, name, True)


async def test_closing_while_a_fix_is_on_its_way_is_on_record(house: House) -> None:
    incident = await undecided(house)
    assert (await ask(house, f"/api/incidents/{incident}/close", {"why": "done"})).status_code == 409
    assert (of(house, "incident.close_refused").actor, of(house, "incident.close_refused").incident) == (
        "ana",
        incident,
    )


async def test_a_post_with_a_wrong_signature_or_one_that_nobody_can_read_is_on_record(house: House) -> None:
    async with house.client(headers=bearer(INGEST)) as machine:
        assert (await machine.post("/alerts/generic", content=b"{not json")).status_code == 400
    assert (of(house, "door.refused").via, of(house, "door.refused").body["why"]) == (
        "/alerts",
        "a post that could not be taken",
    )


@pytest.mark.parametrize("phase", ["observe", "set_share"])
async def test_a_target_that_refuses_to_move_is_on_record_with_its_words(house: House, phase: str) -> None:
    class Stubborn(TrafficSimulator):
        async def observe(self) -> object:  # type: ignore[override]
            if phase == "observe":
                raise SourceRefused("shop", "403: this token may not read")
            return await super().observe()

        async def set_share(self, *given: object) -> object:  # type: ignore[override]  # noqa: ARG002 - a port's shape
            raise SourceRefused("shop", "403: this token may not write")

    incident = await house.break_shop()
    house.outside.traffic["shop"].__class__ = Stubborn  # type: ignore[index]
    await house.answer(plan_of(house, incident))
    await house.pass_time(30)
    told = " ".join(
        str(one.body) for one in lines(house) if one.incident == incident and "rollout" in one.action
    )
    assert "403: this token may not" in told


async def test_what_a_model_tries_in_vain_is_on_record_under_the_name_its_program_gave(house: House) -> None:
    """The protocol names the program and its version, by its own word; it does not prove it."""
    incident = await house.break_shop()
    plan = plan_of(house, incident)
    claim = {
        "entity": "shop",
        "entity_kind": "service",
        "fault_class": "moonlight",
        "claim": "c",
        "confidence": 0.9,
        "supports": ["E99"],
    }
    who = Implementation(name="evil-agent\x1b[31m", version="9.9")
    async with Client(build_server(house.outside, playbooks()), client_info=who) as client:
        for tool, given, action, why in (
            ("execute_fix", {"plan_id": plan.id}, "execution.refused", "nobody has approved"),
            ("submit_hypotheses", {"incident_id": incident, "hypotheses": [claim]}, "opinion.refused", "E99"),
            ("request_approval", {"plan_id": "plan-none"}, "deed.refused", "there is no plan"),
            ("abort_rollout", {"incident_id": incident}, "deed.refused", "no rollout is under way"),
            ("escalate_incident", {"incident_id": "inc-none", "reason": "r"}, "tool.failed", "no incident"),
        ):
            with contextlib.suppress(MCPError):
                assert (await client.call_tool(tool, given)).is_error, tool
            line, call = of(house, action), of(house, "tool.failed")
            assert (line.actor, line.actor_kind, why in line.body["why"]) == ("model", "agent", True), line
            assert (call.body["tool"], call.body["client"]) == (
                tool,
                "evil-agent [31m 9.9",
            )  # no control character


async def test_every_verdict_of_the_guardrails_is_on_record(house: House) -> None:
    """One for the first question, one for each plan that is asked about afterwards."""
    incident = await house.break_shop()
    await house.leap(minutes=16)
    plan = plan_of(house, incident)
    browser = await house.visit()
    await browser.post(f"/incidents/{incident}/choose", plan=plan.id)
    asked = [one.body["plan"] for one in lines(house) if one.action == "guardrail.verdict"]
    assert asked == [plan.id, plan_of(house, incident).id]
    assert len(set(asked)) == 2


async def test_changes_of_status_are_on_record_one_by_one(house: House) -> None:
    incident = await house.break_shop()
    await house.answer(plan_of(house, incident))
    await house.start_rollout(incident)
    for _ in range(300):
        if house.view(incident).incident.status == "resolved":
            break
        await house.pass_time(2)
    moved = [(one.body["from"], one.body["to"]) for one in lines(house) if one.action == "incident.moved"]
    assert moved == [
        ("investigating", "awaiting_approval"),
        ("awaiting_approval", "rolling_out"),
        ("rolling_out", "resolved"),
    ]


async def test_a_refused_shift_is_on_record(house: House) -> None:
    staff(house)
    assert (await ask(house, "/api/shifts", {"kind": "give", "other": "zoe"})).status_code == 409
    assert "zoe has no way" in of(house, "deed.refused").body["why"]
