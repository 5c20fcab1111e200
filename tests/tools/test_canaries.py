"""Nothing secret or personal leaves through any tool, however it came in: canaries in every source."""

import asyncio
import ipaddress
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from tools.conftest import Bench
from tools.planted import BATCHES, Batch

from steadyhand.adapters.ledger import schema
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.evidence.model import Change, DatabaseReport, LogLine, Series, Session
from steadyhand.responder.alerts.intake import take_alert
from steadyhand.responder.engine.worker import Worker
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


_OLD = Batch(WORDS, tuple(CANARIES.values()))
ALL = {"all in one line": _OLD, **BATCHES}


class _Loud:
    """A check that answers with everything it should not."""

    kind: CheckKind = "http"
    target = "shop"
    what = "a health page"

    def __init__(self, words: str) -> None:
        self._words = words

    async def run(self, at: object) -> Finding:  # noqa: ARG002 - the same at all times
        return Finding(fine=False, words=self._words, figures={"said": self._words})


@pytest.fixture(params=ALL.values(), ids=ALL)
def batch(request: pytest.FixtureRequest) -> Batch:
    found: Batch = request.param
    return found


@pytest.fixture
def loud(bench: Bench, batch: Batch) -> Bench:
    now, words = bench.night.clock.now(), batch.text
    diff = "\n".join(f"+{line}" for line in words.splitlines())
    change = Change(
        id="loud-1", service="shop", kind="code", author=CANARIES["email"], summary=words, diff=diff,
        source="git", handle="x", started_at=now - timedelta(seconds=30),
    )  # fmt: skip
    line = LogLine(at=now - timedelta(seconds=5), service="shop", severity="ERROR", message=words, ref="f:1")
    times = tuple(now.timestamp() - n for n in range(20, 0, -1))
    series = Series(name="loud", labels={"who": words}, times=times, values=times)
    session = Session(pid=7, application=words, state="active", query=f"select 1 -- {words}")
    report = DatabaseReport(database="postgres", at=now, sessions=(session,), gaps=(words,))
    bench.night.outside = replace(
        bench.night.outside,
        logs=(MemoryLogs([line]),),
        metrics=(MemoryMetrics(series={"loud": [series]}),),
        changes=(MemoryChanges([change], name="git"),),
        probes={"postgres": MemoryDatabase(report, name="postgres")},
        checks=(_Loud(words),),
    )
    bench.night.worker = Worker(bench.night.outside)
    with bench.night.outside.ledger.write() as tx:
        tx.keep_change(change.model_copy(update={"id": "loud-2", "service": "cart"}))  # told beside the alert
    bench.incident = _alert(bench, words)
    bench.server = build_server(bench.night.outside, _shelf(words))
    return bench


def _alert(bench: Bench, words: str) -> str:
    labels = {} if "203.0" in words else {"note": words}  # rules choose by labels: addresses stay in them
    alert = Alert(
        source="test", dedup_key="cart:loud", name=words[:200], service="cart", status="firing",
        severity="critical", starts_at=bench.night.clock.now(), summary=words, labels=labels,
    )  # fmt: skip
    return take_alert(bench.night.outside, alert, alert.model_dump_json())


def _shelf(words: str) -> Shelf:
    first = playbooks().playbooks[0]
    own = first.model_copy(update={"id": "loud", "mechanism": "loud", "first": words[:300], "prose": words})
    return playbooks().with_own([own])


def _calls(bench: Bench, words: str) -> dict[str, dict[str, Any]]:
    incident = {"incident_id": bench.incident}
    return {
        "list_incidents": {},
        "get_incident": incident,
        "get_evidence": incident,
        "get_diagnosis": incident,
        "get_rollout": incident,
        "get_report": {**incident, "full": True},
        "find_similar_incidents": incident,
        "query_logs": {"service": "shop"},
        "query_metrics": {"expression": "loud"},
        "list_changes": {},
        "get_change": {"change_id": "loud-1"},
        "get_topology": {"service": words},
        "inspect_database": {"name": "postgres"},
        "run_check": {"check": "http"},
        "explain_policy": {"topic": words},
        "get_playbook": {"mechanism": "loud"},
        "open_incident": {"service": "mail", "title": words[:200], "summary": words},
        "submit_hypotheses": {**incident, "hypotheses": []},
        "propose_fix": {**incident, "hypothesis_id": words},
        "request_approval": {"plan_id": words},
        "draft_report": {**incident, "notes": words},
        "execute_fix": {"plan_id": words},
        "abort_rollout": {**incident, "reason": words[:300]},
        "escalate_incident": {**incident, "reason": words[:300]},
    }


def _leaks(batch: Batch, shown: str) -> list[str]:
    """Also where the text stands in JSON, with its quotes escaped."""
    forms = {one: (one, json.dumps(one)[1:-1]) for one in batch.secrets}
    return [one for one, written in forms.items() if any(form in shown for form in written)]


def test_no_canary_leaves_through_any_tool(loud: Bench, batch: Batch) -> None:
    calls = _calls(loud, batch.text)
    offered = {one.name for one in loud.ask(lambda client: client.list_tools()).tools}
    assert offered == set(calls)
    asyncio.run(loud.night.pass_time(3))
    leaks = {}
    for tool, given in calls.items():
        found = loud.call(tool, **given)
        shown = " ".join(one.text for one in found.content) + str(found.structured_content)
        leaks[tool] = _leaks(batch, shown)
    assert {tool: names for tool, names in leaks.items() if names} == {}


def test_no_canary_is_sent_to_a_phone(loud: Bench, batch: Batch) -> None:
    for tool in ("draft_report", "escalate_incident", "open_incident"):
        loud.call(tool, **_calls(loud, batch.text)[tool])
    asyncio.run(loud.night.pass_time(20))
    with loud.night.outside.ledger.doors.reader.connect() as db:
        waiting = [str(dict(one)) for one in db.execute(select(schema.outbox)).mappings()]
    rung = [f"{one.subject} {one.body}" for one in loud.night.phone.rings]
    assert waiting
    assert rung
    assert _leaks(batch, " ".join((*waiting, *rung))) == []


def test_the_same_value_has_the_same_placeholder_within_an_answer(bench: Bench) -> None:
    bench.night.outside = replace(bench.night.outside, checks=(_Loud(WORDS),))
    bench.server = build_server(bench.night.outside, playbooks())
    assert bench.text("run_check", check="http").count("<ip-1>") == 2


def test_no_canary_a_model_typed_stands_in_the_trail_or_its_export(loud: Bench, batch: Batch) -> None:
    for tool, given in _calls(loud, batch.text).items():
        loud.call(tool, **given)
    with loud.night.outside.ledger.read() as tx:
        written = " ".join(str(one.body) for incident in ("", loud.incident) for one in tx.trail(incident))
        exported = "\n".join(json.dumps(one) for one in tx.audit.rows())  # as `audit export` writes them
    found = _leaks(batch, written + exported)
    assert [one for one in found if not _is_address(one)] == []


def _is_address(text: str) -> bool:
    """Who knocked from where is what a trail is for."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
