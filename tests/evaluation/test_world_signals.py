"""What a generated world emits beside series and lines: spans, flags and hosts, each in its real form."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx2
import pytest
from pydantic import SecretStr

from steadyhand.adapters.changes.launchdarkly import LaunchDarklyChanges, LaunchDarklyChangeSettings
from steadyhand.adapters.traces.otlp_file import OtlpFiles, OtlpFileSettings
from steadyhand.evaluation.case import Held
from steadyhand.evaluation.held import HeldTraces
from steadyhand.evaluation.worlds.emit import at
from steadyhand.evaluation.worlds.generate import VERSION, Plan, plans
from steadyhand.evaluation.worlds.spans import exported
from steadyhand.evaluation.worlds.story import FAMILIES
from steadyhand.journey.evidence.model import Change, Span, Window
from steadyhand.ports import Post

UNSEEN = 77_000


def _spans(plan: Plan, service: str, peer: str = "") -> tuple[list[Span], list[Span]]:
    """Of a service its answers, or its calls to a peer, before the onset and since."""
    found = [one for one in plan.held().spans if one.service == service and one.peer == peer]
    begun = at(plan.story.onset)
    return [one for one in found if one.start < begun], [one for one in found if one.start >= begun]


def _middle(spans: list[Span]) -> float:
    return sorted(one.duration_ms for one in spans)[len(spans) // 2]


def test_a_seed_keeps_its_meaning_as_long_as_the_version_does() -> None:
    story = Plan(UNSEEN, "guilty flag", 4).story
    told = json.dumps([story.world.nodes, story.onset, [(one.service, one.kind) for one in story.deploys]])
    assert (VERSION, hashlib.sha256(told.encode()).hexdigest()[:12]) == (2, "7249dd496246")


def test_the_same_seed_gives_the_same_spans() -> None:
    one, other = (Plan(UNSEEN, "network between two", 3).held().spans for _ in range(2))
    assert one == other


def test_spans_are_what_a_collector_would_have_written_to_a_file(tmp_path: Path) -> None:
    plan = Plan(UNSEEN, "memory leak cascade", 1)
    lines = exported(plan.story, plan.until, Random(1), 1, frozenset())  # noqa: S311 - a world's dice
    file = tmp_path / "traces.jsonl"
    file.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    source = OtlpFiles(OtlpFileSettings(kind="otlp_file", files=(str(file),)))
    window = Window(start=at(0), end=at(plan.until + 1))
    report = asyncio.run(source.spans((), window, 1_000))
    assert not report.gaps
    assert {one.service for one in report.spans} <= set(plan.story.world.services)
    edges = {(one.caller, one.callee) for one in asyncio.run(source.edges(window))}
    calls = plan.story.world.calls
    assert edges <= {(caller, callee) for caller, callees in calls.items() for callee in callees}
    kinds = {one.peer_kind for one in report.spans if one.peer in plan.story.world.databases}
    assert kinds <= {"database"}


def test_a_network_fault_shows_at_the_caller_and_not_at_the_callee() -> None:
    plan = Plan(UNSEEN + 1, "network between two", 1)
    truth = plan.reveal()
    (caller,) = truth.equally & set(plan.story.world.services)
    callee = truth.component or ""
    waited, waits = (_middle(part) for part in _spans(plan, caller, callee))
    answered, answers = (_middle(part) for part in _spans(plan, callee))
    assert waits > 5 * waited
    assert answers < 1.5 * answered
    assert any(one.kind == "trace" and one.facts.get("peer") == callee for one in plan.look().page.items)


def test_a_neighbour_that_takes_the_processors_shows_at_the_host_of_those_who_suffer() -> None:
    plan = Plan(UNSEEN, "noisy neighbour", 1)
    node = plan.reveal().component or ""
    topology = plan.look().topology
    assert (found := topology.get(node)) is not None
    assert found.kind == "node"
    assert set(plan.story.world.nodes[node]) == set(topology.callers(node))
    told = [one.title for one in plan.look().page.items if one.entity == node]
    assert any("container_cpu_usage_seconds_total" in one for one in told)


def test_who_stopped_to_report_writes_no_more_spans_and_its_callers_still_tell_of_it() -> None:
    plan = Plan(UNSEEN, "missing data", 1)
    silent = plan.reveal().component or ""
    before, since = _spans(plan, silent)
    assert before
    assert not since
    assert any(_spans(plan, one, silent)[1] for one in plan.story.world.users_of(silent))


def test_who_returns_early_no_longer_calls_whom_it_called() -> None:
    plan = next(
        one
        for one in (Plan(seed, "silent early return", 1) for seed in range(UNSEEN, UNSEEN + 50))
        if one.story.world.calls[one.reveal().component or ""]
    )
    service = plan.reveal().component or ""
    answered, answers = (len(part) for part in _spans(plan, service))
    callees = plan.story.world.calls[service]
    asked, asks = (sum(len(_spans(plan, service, one)[side]) for one in callees) for side in (0, 1))
    assert asks / answers < 0.6 * asked / answered


def test_a_clock_that_is_off_is_found_by_spans() -> None:
    page = Plan(UNSEEN + 1, "clock skew", 1).look().page
    assert [one.kind for one in page.flags] == ["clock_skew"]


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_innocent_flags_are_turned_on_wherever_there_are_decoys(level: int) -> None:
    flags = [one for one in Plan(UNSEEN, "fault-free", level).held().changes if one.kind == "flag"]
    assert bool(flags) == (level > 1)


def test_a_guilty_flag_is_turned_on_seconds_before_it_hurts() -> None:
    plan = Plan(UNSEEN, "guilty flag", 2)
    guilty = next(iter(plan.reveal().changes or ()))
    change = next(one for one in plan.held().changes if one.id == guilty)
    assert change.kind == "flag"
    assert 0 < (at(plan.story.onset) - change.started_at).total_seconds() <= 10


def test_a_flag_of_a_world_has_the_form_of_one_that_was_posted() -> None:
    made = next(one for one in Plan(UNSEEN, "guilty flag", 1).held().changes if one.kind == "flag")
    posted = _posted(made.version, made.service)
    assert posted.model_fields_set <= made.model_fields_set | {"diff"}
    assert (posted.kind, posted.version, posted.service) == (made.kind, made.version, made.service)
    assert posted.summary == made.summary
    assert made.source == posted.source == "launchdarkly"


def _posted(key: str, service: str) -> Change:
    now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    row = {
        "_id": "63a1",
        "date": round(now.timestamp() * 1000),
        "titleVerb": "turned on the flag",
        "member": {"firstName": "Kim", "lastName": "Doe"},
        "target": {"resources": [f"proj/shop:env/production:flag/{key}"]},
    }
    body = json.dumps(row).encode()
    settings = LaunchDarklyChangeSettings(
        kind="launchdarkly", token_env="T", project="shop", flags={"*": service}
    )
    signed = hmac.new(b"s", body, "sha256").hexdigest()
    hook = LaunchDarklyChanges(settings, httpx2.AsyncClient(), SecretStr("t"), SecretStr("s"))
    (change,) = hook.read(Post(body=body, headers={"x-ld-signature": signed}, received_at=now))
    return change


def test_the_tools_over_a_case_can_ask_its_traces() -> None:
    plan = Plan(UNSEEN, "guilty flag", 1)
    held = plan.held()
    source = HeldTraces(held.spans)
    window = Window(start=at(0), end=at(plan.until + 1))
    report = asyncio.run(source.spans((plan.story.world.services[-1],), window, 5))
    assert len({one.trace for one in report.spans}) <= 5
    assert report.coverage[0].unit == "traces"
    assert HeldTraces(Held().spans).traced(window, window, 5) == ()


def test_every_kind_of_world_comes_in_all_four_difficulties() -> None:
    levels: dict[str, set[int]] = {}
    for one in plans(200, 1):
        levels.setdefault(one.kind, set()).add(one.level)
    assert all(levels[kind] == {1, 2, 3, 4} for kind in FAMILIES)
    assert all(found == {1, 2, 3, 4} for found in levels.values())
