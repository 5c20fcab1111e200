"""Nothing secret or personal leaves through any tool, however it came in: canaries in every source."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tools.conftest import Bench

from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Series, Session
from steadyhand.testing.database import MemoryDatabase
from steadyhand.testing.sources import MemoryChanges, MemoryLogs, MemoryMetrics
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

CANARIES = {
    "key": "sk-c4nary0123456789abcdef",
    "github": "ghp_c4n4ryc4n4ryc4n4ryc4n4ry0002",
    "aws": "AKIAC4NARYC4NARY9999",
    "password": "c4nary-hunter2",
    "jwt": "eyJhbGciOiJIUzI1.eyJzdWIiOiJjNG5hcnki.c4narysignature",
    "email": "canary.person@example.com",
    "ip": "203.0.113.77",
    "ip6": "2001:db8:0:0:0:0:c4:9",
    "card": "4111 1111 1111 1111",
}
_C = CANARIES
WORDS = (
    f"api_key={_C['key']} {_C['github']} {_C['aws']} postgres://shop:{_C['password']}@db/x {_C['jwt']} "
    f"{_C['email']} from {_C['ip']} and {_C['ip6']} card {_C['card']}"
)


class _Loud:
    """A check that answers with everything it should not."""

    kind: CheckKind = "http"
    target = "shop"
    what = "a health page"

    async def run(self, at: object) -> Finding:  # noqa: ARG002 - the same at all times
        return Finding(fine=False, words=WORDS, figures={"said": WORDS})


@pytest.fixture
def loud(bench: Bench) -> Bench:
    now = bench.night.clock.now()
    change = Change(
        id="loud-1", service="shop", kind="code", author=CANARIES["email"], summary=WORDS, diff=f"+ {WORDS}",
        source="git", handle="x", started_at=now - timedelta(seconds=30),
    )  # fmt: skip
    line = LogLine(at=now - timedelta(seconds=5), service="shop", severity="ERROR", message=WORDS, ref="f:1")
    times = tuple(now.timestamp() - n for n in range(20, 0, -1))
    series = Series(name="loud", labels={"who": WORDS}, times=times, values=times)
    session = Session(pid=7, application=WORDS[:60], state="active", query=f"select 1 -- {WORDS}")
    report = DatabaseReport(database="postgres", at=now, sessions=(session,), gaps=(WORDS,))
    bench.night.outside = replace(
        bench.night.outside,
        logs=(MemoryLogs([line]),),
        metrics=(MemoryMetrics(series={"loud": [series]}),),
        changes=(MemoryChanges([change], name="git"),),
        probes={"postgres": MemoryDatabase(report, name="postgres")},
        checks=(_Loud(),),
    )
    bench.incident = bench.night.alert(service="cart", name=WORDS[:200])
    bench.server = build_server(bench.night.outside, playbooks())
    return bench


def _calls(bench: Bench) -> dict[str, dict[str, Any]]:
    incident = {"incident_id": bench.incident}
    return {
        "list_incidents": {},
        "get_incident": incident,
        "get_evidence": incident,
        "get_diagnosis": incident,
        "get_rollout": incident,
        "get_report": {**incident, "full": True},
        "query_logs": {"service": "shop"},
        "query_metrics": {"expression": "loud"},
        "list_changes": {},
        "get_change": {"change_id": "loud-1"},
        "get_topology": {"service": WORDS},
        "inspect_database": {"name": "postgres"},
        "run_check": {"check": "http"},
        "explain_policy": {"topic": WORDS},
        "get_playbook": {"mechanism": WORDS},
        "open_incident": {"service": "mail", "title": WORDS[:200], "summary": WORDS},
        "submit_hypotheses": {**incident, "hypotheses": []},
        "propose_fix": {**incident, "hypothesis_id": WORDS},
        "request_approval": {"plan_id": WORDS},
        "draft_report": {**incident, "notes": WORDS},
        "execute_fix": {"plan_id": WORDS},
        "abort_rollout": {**incident, "reason": WORDS[:300]},
        "escalate_incident": {**incident, "reason": WORDS[:300]},
    }


def test_no_canary_leaves_through_any_tool(loud: Bench) -> None:
    calls = _calls(loud)
    offered = {one.name for one in loud.ask(lambda client: client.list_tools()).tools}
    assert offered - set(calls) <= {"find_similar_incidents"}
    leaks = {}
    for tool, given in calls.items():
        found = loud.call(tool, **given)
        shown = " ".join(one.text for one in found.content) + str(found.structured_content)
        leaks[tool] = [name for name, secret in CANARIES.items() if secret in shown]
    assert {tool: names for tool, names in leaks.items() if names} == {}


def test_the_same_value_has_the_same_placeholder_within_an_answer(loud: Bench) -> None:
    shown = loud.text("run_check", check="http")
    assert shown.count("<ip-a>") == 2


def test_no_canary_a_model_typed_stands_in_the_trail(loud: Bench) -> None:
    for tool, given in _calls(loud).items():
        loud.call(tool, **given)
    with loud.night.outside.ledger.read() as tx:
        written = " ".join(str(one.body) for incident in ("", loud.incident) for one in tx.trail(incident))
    addresses = {"ip", "ip6"}  # who knocked from where is what a trail is for
    assert [name for name, secret in CANARIES.items() if name not in addresses and secret in written] == []
