"""Every tool call stands in the trail, masked, in the chain of the incident it is about."""

import json

from tools.conftest import SECRET, Bench

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.audit.proof import find_problem


def calls(bench: Bench, incident: str = "") -> list[Entry]:
    with bench.night.outside.ledger.read() as tx:
        found = [one for one in tx.trail() if one.action.startswith("tool.")]
        assert find_problem(tx.audit.rows()) == ""
    return [one for one in found if one.incident == incident]


def test_a_call_is_recorded_with_its_arguments_as_the_models_deed(bench: Bench) -> None:
    bench.text("query_logs", service="shop", text="login", minutes=5)
    (call,) = calls(bench)
    assert (call.action, call.actor, call.actor_kind, call.via) == ("tool.called", "model", "agent", "mcp")
    assert call.body["tool"] == "query_logs"
    assert json.loads(call.body["arguments"]) == {"service": "shop", "text": "login", "minutes": 5}


def test_a_call_names_the_program_a_model_speaks_through_and_what_it_was_told(bench: Bench) -> None:
    bench.text("query_logs", service="shop", text="login", minutes=5)
    bench.text("query_logs", service="shop", text="login", minutes=5)
    first, second = calls(bench)
    assert len(first.body["prompt"]) == 16
    assert first.body["prompt"] == second.body["prompt"]


def test_a_call_about_an_incident_or_its_plan_stands_in_that_incidents_chain(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    bench.text("get_incident", incident_id=bench.incident)
    bench.text("get_rollout", plan_id=plan.id)
    assert [one.body["tool"] for one in calls(bench, bench.incident)] == ["get_incident", "get_rollout"]


def test_an_id_that_somebody_made_up_starts_no_chain(bench: Bench) -> None:
    bench.call("get_incident", incident_id="inc-made-up")
    bench.call("get_rollout", plan_id="plan-made-up")
    assert [one.action for one in calls(bench)] == ["tool.called", "tool.failed"] * 2
    assert calls(bench, "inc-made-up") == []


def test_a_secret_in_an_argument_is_masked(bench: Bench) -> None:
    bench.call("draft_report", incident_id=bench.incident, notes=f"token={SECRET} of ana@example.org")
    bench.call("query_logs", service=SECRET)
    with bench.night.outside.ledger.read() as tx:
        stored = json.dumps(list(tx.audit.rows()))
    assert SECRET not in stored
    assert "ana@example.org" not in stored


def test_a_refused_call_says_why(bench: Bench) -> None:
    bench.night.propose(bench.incident)
    bench.call("execute_fix", plan_id="plan-1")
    failed = calls(bench, bench.incident)[-1]
    assert failed.action == "tool.failed"
    assert "nobody has approved" in failed.body["why"]


def test_wrong_arguments_and_tools_that_do_not_exist_are_recorded_too(bench: Bench) -> None:
    assert bench.call("query_logs", minutes="many").is_error
    assert bench.call("approve_everything", plan_id="plan-1").is_error
    assert [one.body["tool"] for one in calls(bench) if one.action == "tool.failed"] == [
        "query_logs",
        "approve_everything",
    ]


def test_what_a_model_only_looked_at_is_not_part_of_the_report(bench: Bench) -> None:
    bench.text("get_incident", incident_id=bench.incident)
    assert "tool.called" not in bench.text("get_report", incident_id=bench.incident)
