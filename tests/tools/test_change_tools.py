"""Changes are told by every source, a diff is read when wanted, and the graph says what it rests on."""

from dataclasses import replace
from datetime import timedelta

from tools.conftest import Bench

from steadyhand.journey.evidence.model import Change
from steadyhand.journey.seen import CallEdge
from steadyhand.ports import SourceUnavailable
from steadyhand.testing.sources import MemoryChanges, MemoryEdges
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks


def _with(bench: Bench, source: MemoryChanges | None = None, edges: MemoryEdges | None = None) -> None:
    outside = replace(
        bench.night.outside, changes=(source,) if source else (), edges=(edges,) if edges else ()
    )
    bench.night.outside = outside
    bench.server = build_server(outside, playbooks())


def _deploy(bench: Bench, diff: str = "-timeout: 5s\n+timeout: 50s") -> Change:
    return Change(
        id="git-1",
        service="shop",
        kind="config",
        version="b2",
        previous="b1",
        source="git",
        handle="b1..b2",
        diff=diff,
        started_at=bench.night.clock.now() - timedelta(minutes=9),
    )


def test_a_source_s_changes_are_listed_beside_posted_ones_and_kept(bench: Bench) -> None:
    source = MemoryChanges([_deploy(bench, diff="")], name="git")
    _with(bench, source)
    listed = bench.text("list_changes", service="shop")
    assert listed.startswith("2 changes, the last 2 are shown.")
    assert "Asked: what was posted, git." in listed
    assert listed.index("git-1") < listed.index("c-1")
    source.held.clear()
    assert "git-1" in bench.text("list_changes", service="shop")


def test_a_diff_is_read_when_it_is_wanted_and_then_kept(bench: Bench) -> None:
    source = MemoryChanges([_deploy(bench)], name="git")
    _with(bench, source)
    source.held[0] = _deploy(bench, diff="")
    assert "diff to be read" in bench.text("list_changes", service="shop")
    source.held[0] = _deploy(bench)
    assert "+timeout: 50s" in bench.text("get_change", change_id="git-1")
    source.failure = SourceUnavailable("git", "gone")
    assert "+timeout: 50s" in bench.text("get_change", change_id="git-1")


def test_a_source_that_fails_is_a_gap_and_hides_no_other(bench: Bench) -> None:
    source = MemoryChanges(name="git")
    source.failure = SourceUnavailable("git", "no answer")
    _with(bench, source)
    listed = bench.text("list_changes", service="shop")
    assert "c-1" in listed
    assert "not seen: git: no answer" in listed


def test_an_unknown_change_names_the_way_out(bench: Bench) -> None:
    found = bench.call("get_change", change_id="c-none")
    assert found.is_error
    assert "list_changes" in found.content[0].text


def test_the_graph_says_where_an_arrow_is_known_from_and_where_sight_and_config_differ(bench: Bench) -> None:
    at = bench.night.clock.now() - timedelta(minutes=1)
    seen = [
        CallEdge(caller="shop", callee="postgres", calls=900, source="tempo", seen_at=at),
        CallEdge(caller="shop", callee="Mail Relay", callee_kind="third_party", calls=40, errors=4, p95_ms=81,
                 source="istio", seen_at=at),
    ]  # fmt: skip
    _with(bench, edges=MemoryEdges(seen))
    text = bench.text("get_topology")
    assert "postgres [config+tempo, seen" in text
    assert "mail-relay [istio, seen" in text
    assert "40 calls, 4 failed, p95 81 ms]" in text
    assert "mail-relay (third_party, seen only)" in text
    assert (
        "config and sight differ: shop calls mail-relay (40 calls, istio), but services.shop does not" in text
    )


def test_a_check_of_nothing_that_is_configured_says_what_there_is(bench: Bench) -> None:
    found = bench.call("run_check", check="dns", target="evil.example")
    assert found.is_error
    assert "there are: none" in found.content[0].text
    assert bench.call("run_check", check="shell", target="x").is_error
