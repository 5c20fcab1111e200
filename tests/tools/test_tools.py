"""What the model sees and may do: little, bounded, masked, and nothing that approves."""

import asyncio
import json

import pytest
from tools.conftest import SECRET, Bench, page_of

READS = ("get_", "list_", "query_", "find_", "inspect_", "explain_", "run_")


def _schemas(bench: Bench) -> dict[str, dict[str, object]]:
    listed = bench.ask(lambda client: client.list_tools())
    return {one.name: one.input_schema for one in listed.tools}


def test_there_are_at_most_24_tools_and_their_schemas_cost_at_most_5000_tokens(bench: Bench) -> None:
    listed = bench.ask(lambda client: client.list_tools()).tools
    assert 20 <= len(listed) <= 24
    shown = json.dumps([one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in listed])
    assert len(shown) / 3 <= 5000, f"{len(shown) / 3:.0f} tokens at three characters each"


def test_read_tools_say_so_and_no_other_does(bench: Bench) -> None:
    listed = bench.ask(lambda client: client.list_tools()).tools
    for one in listed:
        assert one.annotations is not None
        assert one.annotations.read_only_hint == one.name.startswith(READS), one.name


def test_no_parameter_of_any_tool_could_carry_an_approval(bench: Bench) -> None:
    for name, schema in _schemas(bench).items():
        words = json.dumps(schema.get("properties", {})).lower()
        for forbidden in ("approv", "consent", "pin", "digest", "confirm", "force"):
            assert forbidden not in words, f"{name} has {forbidden}"
    assert list(_schemas(bench)["execute_fix"]["properties"]) == ["plan_id"]


def test_execute_without_a_human_s_yes_is_refused_and_recorded(bench: Bench) -> None:
    bench.night.propose(bench.incident)
    found = bench.call("execute_fix", plan_id="plan-1")
    assert found.is_error
    assert "nobody has approved" in found.content[0].text
    assert "execution.refused" in bench.night.actions(bench.incident)
    assert bench.night.traffic.canary.version == ""


@pytest.mark.parametrize("forged", [{"approved": True}, {"approval": "ana"}, {"digest": "0" * 64}])
def test_a_forged_argument_changes_nothing(bench: Bench, forged: dict[str, object]) -> None:
    bench.night.propose(bench.incident)
    assert bench.call("execute_fix", plan_id="plan-1", **forged).is_error


def test_no_tool_shows_a_planted_secret(bench: Bench) -> None:
    incident = bench.incident
    plan = bench.night.propose(incident)
    shown = [
        bench.text("list_incidents"),
        bench.text("get_incident", incident_id=incident),
        bench.text("get_evidence", incident_id=incident),
        bench.text("get_diagnosis", incident_id=incident),
        bench.text("get_rollout", plan_id=plan.id),
        bench.text("get_rollout", incident_id=incident),
        bench.text("get_report", incident_id=incident),
        bench.text("query_logs", service="shop", text="login"),
        bench.text("query_metrics", expression="shop_pool_waiting"),
        bench.text("list_changes", service="shop"),
        bench.text("inspect_database", name="postgres"),
        bench.text("get_topology"),
        bench.text("explain_policy"),
        bench.text("explain_policy", topic="on_call"),
        bench.text("get_change", change_id="c-1"),
        bench.text("get_evidence", incident_id=incident, item_id="c1"),
    ]
    assert all(shown)
    for one in shown:
        assert SECRET not in one


def test_the_evidence_page_shows_what_was_planted_and_quotes_it(bench: Bench) -> None:
    text = bench.text("get_evidence", incident_id=bench.incident)
    assert "orders" in text
    assert "untrusted" in text
    assert len(text) / 3 <= 2000


def test_an_item_of_evidence_is_opened_by_its_id(bench: Bench) -> None:
    page = bench.text("get_evidence", incident_id=bench.incident)
    name = next(line.split(" ")[0] for line in page.splitlines() if line.startswith(("m", "l", "d")))
    text = bench.text("get_evidence", incident_id=bench.incident, item_id=name)
    assert text.startswith(f"{name} ")
    found = bench.call("get_evidence", incident_id=bench.incident, item_id="m999")
    assert found.is_error
    assert "get_evidence lists" in found.content[0].text


def test_query_logs_says_what_was_matched_and_shown(bench: Bench) -> None:
    text = bench.text("query_logs", service="shop", text="login")
    assert text.startswith(
        "60 lines matched, 60 read, the last 40 are shown (truncated: a longer text, or fewer minutes)."
    )
    assert "searched: memory-logs: 60 of 60 lines of shop read" in text


def test_an_unknown_id_is_an_error_that_names_the_way_out(bench: Bench) -> None:
    found = bench.call("get_incident", incident_id="inc-none")
    assert found.is_error
    assert "list_incidents" in found.content[0].text


def _claim(bench: Bench, **changes: object) -> dict[str, object]:
    best = bench.night.view(bench.incident).diagnosis.hypotheses[0]
    return {
        "entity": best.cause.entity,
        "entity_kind": best.cause.entity_kind,
        "fault_class": best.cause.fault_class,
        "claim": "it is so",
        "confidence": round(best.confidence * 0.9, 3),
        "supports": list(best.supports),
        "contradicts": list(best.contradicts),
        "path": [one.model_dump() for one in best.path],
    } | changes


def test_a_model_may_lower_a_confidence_and_is_stored_beside_the_engine(bench: Bench) -> None:
    found = bench.call("submit_hypotheses", incident_id=bench.incident, hypotheses=[_claim(bench)])
    assert not found.is_error, found.content[0].text
    view = bench.night.view(bench.incident)
    assert view.opinion is not None
    assert view.opinion.hypotheses[0].by == "model"
    assert view.diagnosis.hypotheses[0].by == "engine"


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"confidence": 1.0}, "confidence"), ({"supports": ["m99"]}, "m99"), ({"supports": []}, "supports")],
)
def test_a_hypothesis_that_does_not_rest_on_the_page_is_refused(
    bench: Bench, changes: dict[str, object], says: str
) -> None:
    found = bench.call("submit_hypotheses", incident_id=bench.incident, hypotheses=[_claim(bench, **changes)])
    assert found.is_error
    assert says in found.content[0].text
    assert bench.night.view(bench.incident).opinion is None


def _check_of_the_first(bench: Bench, outcome: str) -> dict[str, str]:
    best = bench.night.view(bench.incident).diagnosis.hypotheses[0]
    seen = f"ten sessions; password={SECRET}"
    return {"hypothesis": best.id, "check": best.checks[0].name, "outcome": outcome, "seen": seen}


def test_what_a_check_showed_is_evidence_moves_the_ranking_and_stands_in_the_trail(bench: Bench) -> None:
    before = bench.night.view(bench.incident).diagnosis
    text = bench.text(
        "submit_hypotheses", incident_id=bench.incident, checked=[_check_of_the_first(bench, "as_if_false")]
    )
    assert text.startswith("k1: h1 ")
    view = bench.night.view(bench.incident)
    first = next(one for one in view.diagnosis.hypotheses if one.id == "h1")
    assert first.confidence < before.hypotheses[0].confidence
    assert view.page.item("k1").title.startswith("check ")
    [row] = [one for one in view.trail if one.action == "check.recorded"]
    assert "factor 0.2" in row.body["did"]
    shown = bench.text("get_evidence", incident_id=bench.incident) + bench.text(
        "get_diagnosis", incident_id=bench.incident
    )
    assert "k1: check" in shown
    assert SECRET not in shown + str(row.body)


def test_a_confidence_may_rise_by_what_a_check_showed_and_no_further(bench: Bench) -> None:
    best = bench.night.view(bench.incident).diagnosis.hypotheses[0]
    more = _claim(bench, confidence=min(1.0, best.confidence * 1.05))
    alone = bench.call("submit_hypotheses", incident_id=bench.incident, hypotheses=[more])
    assert alone.is_error
    checked = [_check_of_the_first(bench, "as_if_true")]
    with_it = bench.call("submit_hypotheses", incident_id=bench.incident, hypotheses=[more], checked=checked)
    assert not with_it.is_error, with_it.content[0].text
    assert "order " in with_it.content[0].text
    assert "edge " in with_it.content[0].text


def test_a_check_that_no_hypothesis_lists_is_refused_and_changes_nothing(bench: Bench) -> None:
    before = bench.night.view(bench.incident).diagnosis
    wrong = _check_of_the_first(bench, "as_if_true") | {"check": "tea leaves"}
    found = bench.call("submit_hypotheses", incident_id=bench.incident, checked=[wrong])
    assert found.is_error
    assert "checked.check" in found.content[0].text
    assert bench.call("submit_hypotheses", incident_id=bench.incident).is_error
    assert bench.night.view(bench.incident).diagnosis == before


def test_a_plan_of_a_model_waits_for_a_human_like_any_other(bench: Bench) -> None:
    bench.night.propose(bench.incident)
    with_index = next(
        one
        for one in bench.night.view(bench.incident).diagnosis.hypotheses
        if one.cause.fault_class == "missing_index"
    )
    made = bench.call("propose_fix", incident_id=bench.incident, hypothesis_id=with_index.id)
    assert not made.is_error, made.content[0].text
    plan = json.loads(made.content[0].text)["id"]
    asked = bench.text("request_approval", plan_id=plan)
    assert asked.startswith("awaiting_approval")
    assert bench.night.view(bench.incident).incident.plan == plan
    assert bench.call("execute_fix", plan_id=plan).is_error


def test_nothing_like_it_remembered_is_said_plainly(bench: Bench) -> None:
    text = bench.text("find_similar_incidents", incident_id=bench.incident)
    assert text.startswith("No judged incident of 0 remembered")


def test_every_mechanism_s_playbook_can_be_read(bench: Bench) -> None:
    assert "idle" in bench.text("get_playbook", mechanism="connection_leak")
    assert bench.call("get_playbook", mechanism="gremlins").is_error


def test_an_incident_opened_by_hand_is_investigated(bench: Bench) -> None:
    opened = bench.text("open_incident", service="other", title="Slow", summary="it is slow")
    assert bench.night.view(opened.split(":")[0]).incident.status == "investigating"
    assert "other is not in get_topology" in opened


def test_notes_for_the_report_are_marked_as_a_model_s(bench: Bench) -> None:
    bench.text("draft_report", incident_id=bench.incident, notes="the pager rang")
    entry = bench.night.view(bench.incident).trail[-1]
    assert (entry.actor, entry.actor_kind) == ("model", "agent")


def test_escalating_tells_the_next_tier(bench: Bench) -> None:
    told = bench.text("escalate_incident", incident_id=bench.incident, reason="stuck")
    assert told.startswith("Told: lead (phone bo).")


def test_the_page_of_the_bench_has_items_of_every_kind(bench: Bench) -> None:
    assert {one.kind for one in page_of(bench).items} >= {"metric", "log", "change", "database", "gap"}


def test_a_model_cannot_ask_again_for_what_a_human_rejected(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    asyncio.run(bench.night.answer(plan, "reject", reason="it holds a security fix"))
    same = plan.model_copy(update={"id": "plan-again"})
    with bench.night.outside.ledger.write() as tx:
        tx.put("plan", same.id, same.incident, same, bench.night.clock.now())
    for again in (plan.id, same.id):
        asked = bench.call("request_approval", plan_id=again)
        assert asked.is_error
        assert "it holds a security fix" in asked.content[0].text
    assert bench.night.view(bench.incident).incident.status == "needs_human"


def test_a_model_cannot_ask_without_end(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    refused = 0
    for number in range(12):
        other = plan.model_copy(update={"id": f"other-{number}"})
        with bench.night.outside.ledger.write() as tx:
            tx.put("plan", other.id, other.incident, other, bench.night.clock.now())
        refused += bench.call("request_approval", plan_id=other.id).is_error
    assert refused >= 6
