"""The terminal's JSON: name and PIN each time, a digest for a decision; the gate looks everything up."""

import httpx2
import pytest
from web.house import INGEST, MCP, House, basic, bearer

pytestmark = pytest.mark.anyio


async def call(
    house: House, path: str, body: object = None, headers: dict[str, str] | None = None
) -> httpx2.Response:
    async with house.client(headers=basic() if headers is None else headers) as terminal:
        return await (terminal.get(path) if body is None else terminal.post(path, json=body))


async def test_the_incidents_and_one_of_them_are_told_whole(house: House) -> None:
    incident = await house.break_shop()
    listed = (await call(house, "/api/incidents")).json()["incidents"]
    assert [one["id"] for one in listed] == [incident]
    shown = (await call(house, f"/api/incidents/{incident}")).json()
    assert shown["digest"] == house.view(incident).digest
    assert shown["diagnosis"]["hypotheses"][0]["cause"]["fault_class"] == "connection_leak"


@pytest.mark.parametrize(
    "headers",
    [{}, basic(pin="000000"), basic(name="eve"), bearer(INGEST), bearer(MCP), {"Authorization": "Basic ???"}],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/incidents"),
        ("GET", "/api/incidents/inc-1"),
        ("POST", "/api/incidents/inc-1/ack"),
        ("POST", "/api/incidents/inc-1/abort"),
        ("GET", "/api/incidents/inc-1/rollout"),
        ("POST", "/api/incidents/inc-1/promote"),
        ("POST", "/api/incidents/inc-1/widen"),
        ("POST", "/api/incidents/inc-1/close"),
        ("POST", "/api/incidents/inc-1/judgement"),
        ("POST", "/api/incidents/inc-1/snooze"),
        ("POST", "/api/incidents/inc-1/reassign"),
        ("POST", "/api/plans/plan-1/decision"),
        ("POST", "/api/plans/plan-1/delegate"),
    ],
)
async def test_nothing_is_told_or_done_without_a_persons_pin(
    house: House, method: str, path: str, headers: dict[str, str]
) -> None:
    async with house.client(headers=headers) as terminal:
        answer = await terminal.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 401
    assert not answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("headers", [{}, basic(), bearer(INGEST), bearer("")])
async def test_the_gate_opens_to_the_mcp_token_alone(house: House, headers: dict[str, str]) -> None:
    assert (await call(house, "/api/plans/plan-1/gate", headers=headers)).status_code == 401


async def test_the_gate_follows_a_plan_from_unasked_to_used(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None

    async def gate(wanted: str) -> tuple[bool, str]:
        told = (await call(house, f"/api/plans/{wanted}/gate", headers=bearer(MCP))).json()
        return told["approved"], told["why"]

    assert await gate("plan-99") == (False, "there is no such plan")
    assert await gate(plan.id) == (False, "nobody has approved this plan")
    await house.answer(plan)
    assert await gate(plan.id) == (True, "")
    await house.pass_time(1)
    assert await gate(plan.id) == (False, "the approval was used already; it holds for one run")


async def test_the_gate_takes_no_claim_from_its_caller(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    path = f"/api/plans/{plan.id}/gate?approved=true&digest={plan.digest}"
    assert (await call(house, path, headers=bearer(MCP))).json()["approved"] is False


async def test_a_decision_from_the_terminal_names_its_door(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    body = {"digest": plan.digest, "answer": "approve"}
    made = (await call(house, f"/api/plans/{plan.id}/decision", body)).json()
    assert (made["by"], made["via"], made["digest"]) == ("ana", "terminal", plan.digest)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"digest": "0" * 64}, "not the plan that is stored"),
        ({"answer": "perhaps"}, "approve or reject"),
        ({"answer": "reject"}, "needs a reason"),
    ],
)
async def test_a_decision_that_does_not_hold_is_refused_with_the_reason(
    house: House, change: dict[str, str], why: str
) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    body = {"digest": plan.digest, "answer": "approve", **change}
    answer = await call(house, f"/api/plans/{plan.id}/decision", body)
    assert answer.status_code == 409
    assert why in answer.json()["error"]
    assert house.view(plan.incident).decision is None


async def test_an_acknowledgement_says_who_has_it(house: House) -> None:
    incident = await house.break_shop()
    assert (await call(house, f"/api/incidents/{incident}/ack", {})).json()["acked_by"] == "ana"


async def test_an_abort_without_a_rollout_is_refused(house: House) -> None:
    incident = await house.break_shop()
    answer = await call(house, f"/api/incidents/{incident}/abort", {"why": "it got worse"})
    assert answer.status_code == 409


async def test_an_incident_is_closed_with_a_reason_and_not_while_a_fix_is_on_its_way(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    path = f"/api/incidents/{plan.incident}/close"
    assert (await call(house, path, {"why": ""})).status_code == 400
    await house.answer(plan)
    assert (await call(house, path, {"why": "false alarm"})).status_code == 409
    await house.start_rollout(plan.incident)
    aborted = await call(house, f"/api/incidents/{plan.incident}/abort", {"why": "false alarm"})
    assert aborted.json()["phase"] == "reverting"
    await house.pass_time(3)
    assert (await call(house, path, {"why": "false alarm"})).json()["status"] == "resolved"


async def test_a_person_says_what_a_closed_incident_was(house: House) -> None:
    incident = await house.break_shop()
    path = f"/api/incidents/{incident}/judgement"
    assert (await call(house, path, {"verdict": "confirmed"})).status_code == 409
    await call(house, f"/api/incidents/{incident}/close", {"why": "a drill"})
    kept = (await call(house, path, {"verdict": "confirmed", "worked": "no"})).json()
    assert (kept["fault_class"], kept["worked"], kept["verdict"]) == ("connection_leak", "no", "confirmed")
    assert (await call(house, path, {"verdict": "perhaps"})).status_code == 400


async def test_an_unknown_incident_is_said_to_be_unknown(house: House) -> None:
    answer = await call(house, "/api/incidents/inc-99")
    assert answer.status_code == 404
    assert "inc-99" in answer.json()["error"]
