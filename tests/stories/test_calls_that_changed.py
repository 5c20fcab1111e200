"""What requests do otherwise than before is on the evidence page, read from files as collectors write."""

import asyncio
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from trace_worlds import START, Op, order, otlp

from steadyhand.adapters.traces.otlp_file import OtlpFiles, OtlpFileSettings
from steadyhand.journey.evidence.model import Item, Page
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.investigation.gather import gather
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks
from stories.night import Night

CALM_S, HURT_S = -840, -300  # of a look-back of 15 min, counted from the alert


def orders(first: int, *, slow: float = 1.0, cart: bool = True, name: str = "t") -> list[Op]:
    made = [op for number in range(30) for op in order(f"{name}{number}", first + number * 2, slow=slow)]
    return [one for one in made if cart or one.service != "cart"]


class Traced:
    """A night whose shop is traced into files, and the incident that the worker looked into."""

    def __init__(self, folder: Path, ops: list[Op], *, files: bool = True, most: int = 0) -> None:
        folder.mkdir(exist_ok=True)
        self.night = Night(folder)
        behind = (self.night.clock.now() - START).total_seconds()
        moved = [replace(one, second=one.second + behind) for one in ops]
        if files:
            lines = (json.dumps({"resourceSpans": [one]}) for one in otlp(moved))
            (folder / "traces.json").write_text("\n".join(lines) + "\n")
        source = OtlpFiles(OtlpFileSettings(kind="otlp_file", files=(f"{folder}/*.json",)))
        evidence = self.night.rules.evidence
        rule = evidence.model_copy(update={"max_traces": most or evidence.max_traces})
        rules = self.night.rules.model_copy(update={"evidence": rule})
        self.night.outside = replace(self.night.outside, traces=(source,), rules=rules)
        self.night.worker = Worker(self.night.outside)
        self.incident = self.night.alert()
        asyncio.run(self.night.turn())

    @property
    def page(self) -> Page:
        found = self.night.view(self.incident).page
        assert found is not None
        return found

    def calls(self) -> dict[tuple[str, str], Item]:
        found = [one for one in self.page.items if one.kind == "trace"]
        return {(one.facts["service"], one.facts["operation"]): one for one in found}

    def told(self, **arguments: str) -> str:
        """What get_evidence answers."""

        async def ask() -> Any:
            async with Client(build_server(self.night.outside, playbooks())) as client:
                return await client.call_tool("get_evidence", {"incident_id": self.incident, **arguments})

        return "\n".join(one.text for one in asyncio.run(ask()).content)


@pytest.fixture
def hurt(tmp_path: Path) -> Traced:
    return Traced(tmp_path, [*orders(CALM_S), *orders(HURT_S, slow=4, cart=False, name="n")])


def test_a_call_that_is_no_longer_made_is_on_the_page_and_blamed_on_its_caller(hurt: Traced) -> None:
    gone = hurt.calls()["cart", "GET /cart"]
    assert (gone.entity, gone.direction) == ("shop", "gone")
    assert "no longer made; 0 spans in 30 traces now, 30 in 30 before" in gone.title


def test_a_call_that_slowed_is_on_the_page_with_a_trace_to_open(hurt: Traced) -> None:
    slow = hurt.calls()["shop", "SELECT"]
    assert slow.title.startswith('"shop" calls "orders" "SELECT": p95 4 times as long')
    assert slow.ref.startswith("n")


def test_calls_that_changed_are_told_to_the_model_by_id_and_open_by_it(hurt: Traced) -> None:
    gone = hurt.calls()["cart", "GET /cart"]
    assert gone.id.startswith("s")
    assert f'{gone.id} shop: "shop" calls "cart" "GET /cart": no longer made' in hurt.told()
    assert f"look it up: {gone.ref}" in hurt.told(item_id=gone.id)


def test_who_is_called_and_written_nowhere_is_looked_at_too(hurt: Traced) -> None:
    assert "cart" in {one.entity for one in hurt.page.bearings}


def test_where_sight_and_config_differ_is_on_the_page_and_the_diagnosis_sees_as_the_page_does(
    hurt: Traced,
) -> None:
    told = {one.title: one for one in hurt.page.items if one.kind == "topology"}
    assert any("shop calls cart" in one and "services.shop does not name it" in one for one in told)
    assert any("names postgres, but no call to it was seen" in one for one in told)
    assert {one.id for one in told.values()} <= {"t1", "t2", "t3"}
    assert {one.name: one.depends_on for one in hurt.page.seen}["shop"][0] == "postgres"
    assert {one.name for one in hurt.page.seen} == {"shop", "cart", "orders"}
    known = hurt.night.outside.rules.topology.with_seen(hurt.page.seen)
    assert known.path("cart", "shop") == ("cart", "shop")


def test_a_call_that_changed_has_the_interval_in_which_it_began(hurt: Traced) -> None:
    alert = hurt.night.view(hurt.incident).incident.alerts[0].starts_at
    for one in hurt.calls().values():
        assert one.onset is not None
        assert (one.onset.lo - alert).total_seconds() == pytest.approx(CALM_S + 58, abs=1)
        assert (one.onset.hi - alert).total_seconds() == pytest.approx(HURT_S, abs=1)
    assert {one.id for one in hurt.calls().values()} <= set(hurt.page.order)


def test_of_a_sample_nobody_knows_when_within_the_incident_it_began(tmp_path: Path) -> None:
    later = [*orders(HURT_S, name="m"), *orders(HURT_S + 100, slow=4, name="n")]
    whole = Traced(tmp_path / "whole", [*orders(CALM_S), *later]).calls()["shop", "SELECT"].onset
    part = Traced(tmp_path / "part", [*orders(CALM_S), *later], most=12).calls()["shop", "SELECT"].onset
    assert whole is not None
    assert part is not None
    assert (whole.hi - whole.lo).total_seconds() == pytest.approx(42, abs=1)
    assert part.lo < whole.lo
    assert part.hi >= whole.hi


def test_the_ranker_weighs_calls_that_are_gone_and_calls_that_slowed(hurt: Traced) -> None:
    bearings = {one.entity: one.figures for one in hurt.page.bearings}
    assert bearings["shop"]["calls_missing"] > 3
    assert bearings["orders"]["slow"] == pytest.approx(math.log(4), abs=0.01)
    assert bearings["cart"]["slow"] == 0


def test_a_service_that_traces_spell_otherwise_is_the_same_service(tmp_path: Path) -> None:
    later = orders(HURT_S, name="n")
    slow = [replace(one, ms=one.ms * 10) if one.service == "cart" else one for one in later]
    ops = [replace(one, service=one.service.replace("cart", "Cart")) for one in [*orders(CALM_S), *slow]]
    traced = Traced(tmp_path, ops)
    assert {one.entity for one in traced.calls().values()} == {"cart"}
    assert {one.entity: one.figures for one in traced.page.bearings}["cart"]["slow"] > 2


def test_requests_that_go_as_ever_are_no_evidence(tmp_path: Path) -> None:
    traced = Traced(tmp_path, [*orders(CALM_S), *orders(HURT_S, name="n")])
    assert not traced.calls()
    assert traced.page.coverage["traces"].startswith("otlp: 30 calm traces and 30 since; 0 calls changed")


def test_a_source_of_traces_that_fails_is_one_gap_of_the_page(tmp_path: Path) -> None:
    traced = Traced(tmp_path, [], files=False)
    assert sum("no file matches" in one for one in traced.page.gaps) == 1


def test_traces_that_begin_after_the_calm_part_are_a_gap_and_no_change(tmp_path: Path) -> None:
    traced = Traced(tmp_path, orders(HURT_S))
    assert not traced.calls()
    assert any("no trace of the calm part" in one for one in traced.page.gaps)


def test_a_secret_in_the_name_of_a_call_is_masked(tmp_path: Path) -> None:
    secret = "ghp_c4n4ry5ecretc4n4ry5ecret0001"
    ops = [*orders(CALM_S), *orders(HURT_S, slow=4, name="n")]
    traced = Traced(tmp_path, [replace(one, name=f"{one.name} {secret}") for one in ops])
    assert traced.calls()
    assert secret not in traced.page.model_dump_json()


def test_a_finding_of_traces_keeps_its_id_while_its_numbers_move_on(hurt: Traced) -> None:
    incident = hurt.night.view(hurt.incident).incident
    asyncio.run(hurt.night.clock.advance(seconds=1))
    sooner = hurt.page.model_copy(update={"items": hurt.page.items[::-1]})
    later = asyncio.run(gather(hurt.night.outside, incident, sooner))
    assert {one.id: one.facts["operation"] for one in later.items if one.kind == "trace"} == {
        one.id: one.facts["operation"] for one in hurt.calls().values()
    }
