"""What a model reads is small however much there is, says what is missing, and tells what comes next."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from stories.night import RULES
from tools.conftest import Bench
from web.house import House

from steadyhand.config import IncidentConfig
from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Series, Session
from steadyhand.journey.incident.state import Decided, RolloutStarted
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.machine import start
from steadyhand.responder.alerts.intake import happen
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.sources import MemoryLogs, MemoryMetrics
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

USUAL_TOKENS = 2_000


@pytest.fixture
def crowded(bench: Bench) -> Bench:
    """The same night, with far more of everything than anybody could read."""
    now = bench.night.clock.now()
    lines = [
        LogLine(at=now - timedelta(seconds=n % 500 + 1), service="shop", severity="ERROR",
                message=f"{n} " + "words " * 80, ref=f"f:{n}")
        for n in range(500)
    ]  # fmt: skip
    seconds = tuple(now.timestamp() - n for n in range(60, 0, -1))
    series = [
        Series(
            name="busy_total", labels={"pod": f"{n}" * 30, "route": "/" * 90}, times=seconds, values=seconds
        )
        for n in range(200)
    ]
    sessions = tuple(
        Session(pid=1000 + n, application=f"shop-{n}", state="active", query="select " + "x" * 400)
        for n in range(300)
    )
    report = DatabaseReport(database="postgres", at=now, sessions=sessions)
    bench.night.outside = replace(
        bench.night.outside,
        logs=(MemoryLogs(lines),),
        metrics=(MemoryMetrics(series={"busy_total": series}),),
        probes={"postgres": MemoryDatabase(report, name="postgres")},
    )
    with bench.night.outside.ledger.write() as tx:
        for n in range(80):
            tx.keep_change(_change(bench, n))
    for n in range(40):
        bench.night.alert(service=f"service-{n}", name="Slow " * 30)
    bench.server = build_server(bench.night.outside, playbooks())
    return bench


def _change(bench: Bench, n: int) -> Change:
    at = bench.night.clock.now() - timedelta(seconds=90 - n)
    return Change(
        id=f"deploy-{n}", service="shop", kind="code", version=str(n), diff="+ line\n" * 900, started_at=at
    )


def _size(bench: Bench, tool: str, **arguments: Any) -> float:
    """Tokens of the larger of the two shapes an answer has, at three characters each."""
    found = bench.call(tool, **arguments)
    assert not found.is_error, found.content[0].text
    structured = json.dumps(found.structured_content) if found.structured_content else ""
    return max(len("".join(one.text for one in found.content)), len(structured)) / 3


def test_no_answer_is_longer_than_2000_tokens_however_much_there_is(crowded: Bench) -> None:
    incident = crowded.incident
    plan = crowded.night.propose(incident)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_incidents", {}),
        ("get_incident", {"incident_id": incident}),
        ("get_evidence", {"incident_id": incident}),
        ("get_diagnosis", {"incident_id": incident}),
        ("get_rollout", {"plan_id": plan.id}),
        ("get_evidence", {"incident_id": incident, "item_id": "c1"}),
        ("get_change", {"change_id": "deploy-79"}),
        ("get_rollout", {"incident_id": incident}),
        ("get_report", {"incident_id": incident}),
        ("query_logs", {"service": "shop"}),
        ("query_metrics", {"expression": "busy_total"}),
        ("list_changes", {}),
        ("inspect_database", {"name": "postgres"}),
        ("get_topology", {}),
        ("explain_policy", {}),
        ("explain_policy", {"topic": "on_call"}),
        *(("get_playbook", {"mechanism": one}) for one in playbooks().mechanisms),
    ]
    sizes = {f"{tool} {given}": _size(crowded, tool, **given) for tool, given in calls}
    assert {name: size for name, size in sizes.items() if size > USUAL_TOKENS + 50} == {}


def test_what_was_left_out_is_counted_and_the_newest_is_kept(crowded: Bench) -> None:
    logs = crowded.text("query_logs", service="shop")
    assert logs.startswith("500 lines matched, 500 read, the last ")
    assert f"{crowded.night.clock.now() - timedelta(seconds=1):%H:%M:%S}" in logs
    changes = crowded.text("list_changes")
    assert changes.startswith("81 changes, the last ")
    assert "deploy-79" in changes
    assert "20 shown" in crowded.text("query_metrics", expression="busy_total")
    assert "truncated" in crowded.text("inspect_database", name="postgres")


def test_no_data_is_told_from_no_match(bench: Bench) -> None:
    assert "0 of 60 lines matched" in bench.text("query_logs", service="shop", text="nowhere")
    silent = bench.text("query_logs", service="shop-2")
    assert "no data" in silent
    assert "shop, postgres" in silent
    assert "not zero" in bench.text("query_metrics", expression="unheard_of")


def test_sessions_alike_are_one_line_with_their_count_and_pids(bench: Bench) -> None:
    text = bench.text("inspect_database", name="postgres")
    assert "5 x shop idle in transaction" in text
    assert "pid 1, 1, 1" in text


def test_the_policy_shows_rules_and_no_connections(bench: Bench) -> None:
    whole = IncidentConfig.model_validate(
        {**RULES.model_dump(), "variables": {"secret_room": "x"}, "listen": {"port": 29001}}
    )
    bench.server = build_server(replace(bench.night.outside, rules=whole), playbooks())
    text = bench.text("explain_policy")
    assert "escalate_after" in text
    assert "error share of the shop" in text
    for wiring in ("29001", "secret_room", "connections"):
        assert wiring not in text


def test_a_plan_says_its_steps_and_the_goals_it_will_be_judged_by(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    for asked in ({"plan_id": plan.id}, {"incident_id": bench.incident}):
        shown = bench.text("get_rollout", **asked).split("Plan: ")[1]
        found = json.loads(shown)
        assert found["goals"] == ["errors <= 0.02"]
        assert found["steps"].startswith("5% of traffic")
        assert found["confidence"] == "90%, uncalibrated"


def test_an_incident_says_where_a_person_answers_and_who_is_told_next(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    found = bench.call("get_incident", incident_id=bench.incident).structured_content
    assert f"steadyhand approve {bench.incident}" in found["next"]
    assert plan.id in found["next"]
    assert "lead is told 15m after" in found["escalation"]


def test_a_question_names_the_plan_a_yes_would_start(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    assert f"starts {plan.id} by itself" in bench.text("request_approval", plan_id=plan.id)


def test_notes_on_an_unknown_incident_are_refused(bench: Bench) -> None:
    found = bench.call("draft_report", incident_id="inc-none", notes="x")
    assert found.is_error
    assert "list_incidents" in found.content[0].text


def test_an_escalation_that_tells_nobody_does_not_claim_to(bench: Bench) -> None:
    for tier in ("lead", "on_call", "lead", "last_resort"):
        assert bench.text("escalate_incident", incident_id=bench.incident, reason="stuck").startswith(
            f"Told: {tier}"
        )
    found = bench.call("escalate_incident", incident_id=bench.incident, reason="stuck")
    assert found.is_error
    assert "every tier was told" in found.content[0].text


def test_an_escalation_of_a_model_is_on_record_as_a_model_s(bench: Bench) -> None:
    bench.text("escalate_incident", incident_id=bench.incident, reason="stuck")
    entry = next(one for one in bench.night.view(bench.incident).trail if one.action == "incident.escalated")
    assert (entry.actor, entry.actor_kind) == ("model", "agent")


def test_a_model_may_blame_a_change_for_a_way_of_failing_the_engine_does_not_name(bench: Bench) -> None:
    page = bench.night.view(bench.incident).page
    assert page is not None
    signs = [one.id for one in page.items if one.kind == "metric" and one.onset]
    claim = {
        "entity": "shop",
        "entity_kind": "service",
        "fault_class": "cache_stampede",
        "change_id": "c-1",
        "claim": "the release drops the cache",
        "confidence": 0.0,
        "supports": signs,
        "path": [{"source": "c-1", "target": "shop", "evidence": signs}],
    }
    found = bench.call("submit_hypotheses", incident_id=bench.incident, hypotheses=[claim])
    assert not found.is_error, found.content[0].text
    assert "cache_stampede of shop" in bench.text("get_diagnosis", incident_id=bench.incident)


def test_none_of_these_can_be_submitted(bench: Bench) -> None:
    assert "none of these: 100%" in bench.text("submit_hypotheses", incident_id=bench.incident, hypotheses=[])


def test_a_rollout_shows_share_figures_goals_and_what_comes_next(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.hire()

    async def watched() -> str:
        incident = await house.break_shop()
        plan = house.view(incident).plan
        assert plan is not None
        await house.answer(plan)
        await house.start_rollout(incident)
        await house.pass_time(21)
        async with Client(build_server(house.outside, playbooks())) as client:
            found = await client.call_tool("get_rollout", {"incident_id": incident})
        return str(found.content[0].text)

    text = asyncio.run(watched())
    for part in (
        "5% of traffic",
        "canary 0 of 100",
        "Smallest harm",
        "failed answers <= 0.02",
        "abort_rollout",
    ):
        assert part in text


def test_a_rollout_that_could_not_be_taken_back_asks_for_a_person(bench: Bench) -> None:
    plan = bench.night.propose(bench.incident)
    now = bench.night.clock.now()
    stuck = start("roll-9", plan, "test", now).model_copy(update={"phase": "stuck"})
    with bench.night.outside.ledger.write() as tx:
        tx.save_rollout(stuck)
        happen(tx, bench.incident, Decided(decision=_yes(plan, now)), now)
        happen(tx, bench.incident, RolloutStarted(rollout="roll-9"), now)
    text = bench.text("get_rollout", incident_id=bench.incident)
    assert "escalate_incident" in text
    assert "It is over" not in text


def _yes(plan: Plan, at: datetime) -> Decision:
    return Decision(plan=plan.id, digest=plan.digest, answer="approve", by="ana", via="test", at=at)


def test_who_is_on_call_is_told_now_and_over_a_window(bench: Bench) -> None:
    given = {
        "people": [{"name": "ana", "contacts": [{"type": "phone", "user": "ana"}]}],
        "schedules": [
            {
                "name": "primary",
                "time_zone": "Europe/Berlin",
                "layers": [{"people": ["ana"], "starts": "2026-02-01T09:00"}],
            }
        ],
    }
    staffed = bench.night.rules.model_validate(bench.night.rules.model_dump() | given)
    bench.night.rules = staffed
    bench.night.restart()
    bench.server = build_server(bench.night.outside, playbooks())
    now = bench.text("explain_policy", topic="on_call").splitlines()
    assert now[0] == "primary: NOBODY is on call until Sun 2026-02-01 09:00 CET, then ana."
    assert "SEV2 on_call: phone ana by phone; next after 15m" in now
    window = bench.text("explain_policy", topic="on_call", start="2026-01-31T00:00Z", end="2026-02-02T00:00Z")
    assert "Sun 2026-02-01 09:00 CET to Mon 2026-02-02 01:00 CET: ana" in window
    assert "NOBODY (a gap)" in window
    for wrong in ({"start": "soon"}, {"start": "2026-01-31T00:00"}, {"end": "2020-01-01T00:00Z"}):
        assert bench.call("explain_policy", **wrong).is_error
