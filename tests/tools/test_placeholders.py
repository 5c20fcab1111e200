"""One value, one placeholder, in every answer about one incident; and back again for sources only."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tools.conftest import Bench

from steadyhand.journey.evidence.model import LogLine
from steadyhand.testing.sources import MemoryLogs
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks

IP, OTHER, EMAIL, TOKEN = "203.0.113.77", "203.0.113.7", "ann@example.org", "q7w8e9r0t1y2"


@pytest.fixture
def told(bench: Bench) -> Bench:
    now = bench.night.clock.now()
    texts = (f"refused {IP} for {EMAIL} token={TOKEN}", f"served {OTHER}", f"again {IP}")
    lines = [
        LogLine(
            at=now - timedelta(seconds=9 - n), service="shop", severity="ERROR", message=one, ref=f"f:{n}"
        )
        for n, one in enumerate(texts)
    ]
    bench.night.outside = replace(bench.night.outside, logs=(MemoryLogs(lines),))
    bench.server = build_server(bench.night.outside, playbooks())
    return bench


def placeholder(bench: Bench, value: str) -> str:
    with bench.night.outside.ledger.read() as tx:
        found = tx.vault.originals(bench.incident)
    return next(name for name, one in found.items() if one == value)


def test_two_answers_call_one_address_the_same(told: Bench) -> None:
    first = told.text("query_logs", service="shop", incident_id=told.incident)
    told.text("draft_report", incident_id=told.incident, notes=f"{OTHER} and {IP} and {EMAIL}")
    second = told.text("query_logs", service="shop", incident_id=told.incident)
    name = placeholder(told, IP)
    assert first.count(name) == second.count(name) >= 2
    assert placeholder(told, OTHER) != name
    assert placeholder(told, EMAIL).strip("<>") in told.text(
        "get_report", incident_id=told.incident, full=True
    )


def test_a_placeholder_asks_the_source_for_its_original_and_none_comes_back(told: Bench) -> None:
    told.text("query_logs", service="shop", incident_id=told.incident)
    found = told.text("query_logs", service="shop", text=placeholder(told, IP), incident_id=told.incident)
    assert found.startswith("2 lines matched")
    assert IP not in found
    assert OTHER not in found


def test_the_trail_keeps_the_placeholder_and_not_what_was_put_back(told: Bench) -> None:
    told.text("query_logs", service="shop", incident_id=told.incident)
    name = placeholder(told, EMAIL)
    told.call("query_logs", service=name, text="x", incident_id=told.incident)
    told.call("get_change", change_id=name, incident_id=told.incident)
    with told.night.outside.ledger.read() as tx:
        written = [str(one.body) for one in tx.trail(told.incident)]
    assert any(name in one for one in written)
    assert not any(EMAIL in one for one in written)


def test_without_an_incident_letters_stand_there_and_mean_nothing_in_the_next_answer(told: Bench) -> None:
    told.night.alert(service="cart", name="another one")
    shown = told.text("query_logs", service="shop")
    assert shown.count("<ip-a>") >= 2
    refused = told.call("query_logs", service="shop", text="<ip-a>")
    assert refused.is_error
    assert "give its incident_id" in refused.content[0].text


def test_the_only_open_incident_is_the_one_that_is_meant(told: Bench) -> None:
    told.text("query_logs", service="shop")
    assert placeholder(told, IP) in told.text("query_logs", service="shop")


def test_a_number_of_one_incident_is_nothing_in_another(told: Bench) -> None:
    told.text("query_logs", service="shop", incident_id=told.incident)
    other = told.night.alert(service="cart", name="another one")
    refused = told.call("query_logs", service="shop", text=placeholder(told, OTHER), incident_id=other)
    assert refused.is_error
    assert OTHER not in str(refused)


def test_what_is_never_kept_is_never_put_back(told: Bench) -> None:
    shown = told.text("query_logs", service="shop", incident_id=told.incident)
    assert "<secret-1>" in shown
    refused = told.call("query_logs", service="shop", text="<secret-1>", incident_id=told.incident)
    assert "never given back" in refused.content[0].text


def test_an_incident_that_does_not_exist_lends_no_placeholder(told: Bench) -> None:
    refused = told.call("query_logs", service="shop", incident_id="inc-nowhere")
    assert "there is no incident inc-nowhere" in refused.content[0].text


def test_commits_stay_readable_where_changes_are_told(told: Bench) -> None:
    sha, digest = "3f2a9b" + "0c1d" * 8 + "ab", "9e8d" * 16
    change = bench_change(told, f"deploy {sha}", f"- image: shop@sha256:{digest}\n+ commit {sha}")
    shown = told.text("get_change", change_id=change)
    assert sha in shown
    assert digest in shown


def bench_change(bench: Bench, summary: str, diff: str) -> str:
    with bench.night.outside.ledger.write() as tx:
        known = tx.change("c-1")
        assert known is not None
        tx.keep_change(known.model_copy(update={"id": "c-2", "summary": summary, "diff": diff}))
    return "c-2"
