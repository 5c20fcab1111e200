"""What query_logs and query_metrics ask of whom and say of the rest; goals in a source's own words."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tools.conftest import Bench

from steadyhand.adapters.metrics.queried import QueriedMetrics, QueriedRule
from steadyhand.journey.evidence.model import Coverage, LogLine, LogReport, Series, Window
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.tally import TalliedLogs
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.ports import SourceUnavailable
from steadyhand.responder.fixes.planning import read_goals
from steadyhand.testing.sources import MemoryLogs
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks


class Words:
    """A MetricStore with a language of names and plus signs."""

    name = "datadog"

    async def query(self, query: str, window: Window, step: timedelta) -> Sequence[Series]:  # noqa: ARG002 - a MetricStore's
        at = window.end.timestamp()
        times = (at - 60, at - 30)
        return [
            Series(name=query, labels={"host": one}, times=times, values=(1, 7)) for one in query.split("+")
        ]


DATADOG = QueriedMetrics(QueriedRule(services={"shop": ("p95",)}), Words())


class Searching(MemoryLogs):
    """A source that looks for a text itself, among more lines than it gives."""

    asked = ""

    async def read(self, services: Sequence[str], window: Window, text: str = "") -> LogReport:
        self.asked = text
        lines = (await super().read(services, window, text)).lines[-2:]
        found = Coverage(
            source="loki", service="shop", matched=900, read=len(lines), window=window, found_by="text"
        )
        return LogReport(lines=lines, coverage=(found,))


class Counting(MemoryLogs):
    """A source that reads all lines but cannot count all of them in time."""

    async def tally(self, services: Sequence[str], window: Window, most: int) -> TalliedLogs:
        report = await self.read(services, window)
        return TalliedLogs(tally_lines(report.lines, window, most), ("files: 900 bytes were not counted",))


def with_sources(bench: Bench, **sources: Any) -> Bench:
    bench.night.outside = replace(bench.night.outside, **sources)
    bench.server = build_server(bench.night.outside, playbooks())
    return bench


def test_a_text_is_looked_for_by_the_source_and_the_answer_says_how_much_is_shown(bench: Bench) -> None:
    (held,) = bench.night.outside.logs
    assert isinstance(held, MemoryLogs)
    source, broken = Searching(held.held), MemoryLogs()
    broken.failure = SourceUnavailable("splunk", "not reachable")
    text = with_sources(bench, logs=(source, broken)).text("query_logs", service="shop", text="  login ")
    assert source.asked == "login"
    assert text.startswith(
        "900 lines matched, 2 read, the last 2 are shown (truncated: a longer text, or fewer minutes)."
    )
    assert "searched: loki: 2 of 900 found lines of shop read" in text
    assert "not seen: splunk: not reachable" in text


def test_what_could_not_be_counted_is_told_where_the_changed_kinds_are(bench: Bench) -> None:
    (held,) = bench.night.outside.logs
    assert isinstance(held, MemoryLogs)
    text = with_sources(bench, logs=(Counting(held.held),)).text("query_logs", service="shop")
    assert "files: 900 bytes were not counted" in text


def test_where_the_source_found_nothing_nobody_says_that_there_is_no_line(bench: Bench) -> None:
    text = with_sources(bench, logs=(Searching(),)).text("query_logs", service="shop", text="nowhere")
    assert text.startswith("0 lines matched; without text query_logs shows whether there is any line.")


def test_a_text_longer_than_any_search_is_refused_with_the_bound(bench: Bench) -> None:
    found = bench.call("query_logs", service="shop", text="x" * 301)
    assert found.is_error
    assert "300 are enough" in found.content[0].text


def test_a_system_with_words_of_its_own_is_asked_by_its_name(bench: Bench) -> None:
    with_sources(bench, other_metrics=(DATADOG,))
    text = bench.text("query_metrics", expression="avg:p95{*}", source="datadog")
    assert text.startswith("1 series matched, 1 shown.")
    assert "first 1 min 1 max 7 last 7 (2 points)" in text
    found = bench.call("query_metrics", expression="x", source="grafana")
    assert found.is_error
    assert "datadog (its own query language)" in found.content[0].text


@pytest.mark.parametrize(("query", "expected"), [("p95", 7), ("p95+p99", None)])
def test_a_goal_is_read_in_the_words_of_its_source_and_needs_one_series(
    bench: Bench, query: str, expected: float | None
) -> None:
    with_sources(bench, other_metrics=(DATADOG,))
    rule = GoalRule(name="p95", kind="latency", expression=query, source="datadog", bound=0.4)
    outside = bench.night.outside
    (reading,) = asyncio.run(read_goals(outside, [rule], outside.clock.now()))
    assert reading.value == expected


def test_a_line_shows_its_fields_and_first_the_one_that_holds_what_was_looked_for(bench: Bench) -> None:
    fields = {f"field{n}": "x" * 90 for n in range(5)} | {"error": "PoolTimeout after 5 s"}
    at = bench.night.outside.clock.now() - timedelta(seconds=5)
    line = LogLine(
        at=at, service="shop", severity="ERROR", message="request failed", fields=fields, ref="f:1"
    )
    with_sources(bench, logs=(MemoryLogs([line]),))
    text = bench.text("query_logs", service="shop", text="pooltimeout")
    assert "ERROR 'request failed' error=PoolTimeout after 5 s field0=x" in text
    assert "field4" not in text


def test_a_past_window_can_be_asked_for_by_its_end(bench: Bench) -> None:
    now = bench.night.outside.clock.now()
    old = LogLine(
        at=now - timedelta(hours=5), service="shop", severity="ERROR", message="disk full", ref="f:1"
    )
    with_sources(bench, logs=(MemoryLogs([old]),))
    end = (now - timedelta(hours=5) + timedelta(minutes=2)).isoformat()
    assert "'disk full'" in bench.text("query_logs", service="shop", until=end)
    assert "'disk full'" not in bench.text("query_logs", service="shop")
    assert f"{now - timedelta(hours=5, minutes=8):%m-%d %H:%M:%S} to " in bench.text(
        "list_changes", until=end, minutes=10
    )


@pytest.mark.parametrize(
    ("until", "why"), [("yesterday", "is no instant; write it as 20"), ("2999-01-01", "has not come yet")]
)
def test_an_end_that_is_none_is_refused_with_how_to_write_it(bench: Bench, until: str, why: str) -> None:
    found = bench.call("list_changes", until=until)
    assert found.is_error
    assert why in found.content[0].text


def test_a_file_far_down_its_folders_is_named_so_that_its_line_can_be_opened(bench: Bench) -> None:
    ref = "/srv/data/clusters/eu-west-1/postgres15/log/postgres.json:104408"
    now = bench.night.outside.clock.now()
    lines = [
        LogLine(at=now - timedelta(seconds=n), service="shop", severity="ERROR", message="disk full", ref=ref)
        for n in range(1, 30)
    ]
    with_sources(bench, logs=(MemoryLogs(lines),))
    assert ref in bench.text("query_logs", service="shop")
    assert "'disk full'" in bench.text("query_logs", service="shop", text=ref)


def test_a_wrong_argument_is_named_in_plain_words(bench: Bench) -> None:
    found = bench.call("query_logs", service="shop", minutes="many")
    assert found.is_error
    assert found.content[0].text.startswith("query_logs: minutes: Input should be a valid integer")
    assert "pydantic" not in found.content[0].text


def test_changes_of_a_service_nobody_knows_are_not_none(bench: Bench) -> None:
    found = bench.call("list_changes", service="shopp")
    assert found.is_error
    assert "no service 'shopp'; there are: shop, postgres" in found.content[0].text
