"""A night is remembered: what it looked like at its end, what a person judged, what was refused and why."""

from datetime import timedelta
from pathlib import Path

import pytest
from journey.diagnosis.pages import leak, page
from mcp import Client
from mcp.types import TextContent

from steadyhand.journey.diagnosis.model import Diagnosis
from steadyhand.journey.incident.state import ClosedByHuman
from steadyhand.journey.memory.case import Case, Judgement
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.engine.retention import prune
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.investigation.recalling import find_similar, judge, refused_before
from steadyhand.tools.server import build_server
from steadyhand.wiring import playbooks
from stories.night import BUILD_INDEX, Night

pytestmark = pytest.mark.anyio


def look(night: Night, incident: str) -> None:
    """What the investigation would store: a leak, and an index that was suspected too."""
    from journey.diagnosis.pages import told  # noqa: PLC0415 - the page's own diagnosis

    shown = page(*leak()).model_copy(update={"incident": incident})
    found = told(shown)
    with night.outside.ledger.write() as tx:
        tx.put("page", f"page-{incident}", incident, shown, night.clock.now())
        tx.put("diagnosis", f"diag-{incident}", incident, found, night.clock.now())


def close(night: Night, incident: str) -> None:
    tell_incident(night.outside, incident, ClosedByHuman(by="ana", via="console", why="over"))


def said(night: Night, verdict: str = "confirmed", **more: object) -> Judgement:
    whole = {"verdict": verdict, "by": "ana", "via": "console", "at": night.clock.now(), **more}
    return Judgement.model_validate(whole)


def case(night: Night, incident: str) -> Case:
    with night.outside.ledger.read() as tx:
        found = tx.case(incident)
    assert found is not None
    return found


async def a_judged_night(tmp_path: Path) -> tuple[Night, str]:
    night = Night(tmp_path)
    night.hire()
    first = night.alert()
    look(night, first)
    plan = night.propose(first, BUILD_INDEX, hypothesis=_index_of(night, first))
    await night.answer(plan, "reject", reason="the disk is nearly full")
    close(night, first)
    judge(night.outside, first, said(night))
    await night.leap(minutes=180)
    return night, first


def _index_of(night: Night, incident: str) -> str:
    with night.outside.ledger.read() as tx:
        found = tx.latest("diagnosis", incident, Diagnosis)
    assert found is not None
    return found.hypotheses[0].id


async def test_a_closed_incident_is_remembered_and_teaches_once_a_person_judged_it(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.hire()
    first = night.alert()
    look(night, first)
    with pytest.raises(Refused, match="once it is over"):
        judge(night.outside, first, said(night))
    close(night, first)
    assert case(night, first).verdict == "unjudged"
    await night.leap(minutes=180)
    second = night.alert()
    look(night, second)
    assert find_similar(night.outside, second).alike == ()
    judge(night.outside, first, said(night))
    [found] = find_similar(night.outside, second).alike
    assert (found.case.id, found.case.fault_class) == (first, "connection_leak")
    assert case(night, first).right is True
    actions = [one.action for one in night.view(first).trail]
    assert "incident.judged" in actions


async def test_a_refused_fix_is_shown_with_its_reason_the_next_time(tmp_path: Path) -> None:
    night, _ = await a_judged_night(tmp_path)
    second = night.alert()
    look(night, second)
    plan = night.propose(second, BUILD_INDEX, hypothesis=_index_of(night, second))
    [told] = refused_before(night.outside, plan)
    assert "the disk is nearly full" in told
    assert night.view(second).refusals == (told,)
    async with Client(build_server(night.outside, playbooks())) as model:
        shown = await model.call_tool("get_rollout", {"incident_id": second})
    [text] = [one.text for one in shown.content if isinstance(one, TextContent)]
    assert "the disk is nearly full" in text


async def test_what_is_recalled_stands_beside_the_confidence_with_its_record_and_never_moves_it(
    tmp_path: Path,
) -> None:
    night, first = await a_judged_night(tmp_path)
    second = night.alert()
    look(night, second)
    with night.outside.ledger.read() as tx:
        before = tx.latest("diagnosis", second, Diagnosis)
    async with Client(build_server(night.outside, playbooks())) as model:
        shown = await model.call_tool("find_similar_incidents", {"incident_id": second})
    [text] = [one.text for one in shown.content if isinstance(one, TextContent)]
    assert f"{first} " in text
    assert "similarity" in text
    assert "record of connection_leak: judged so 1 times" in text
    with night.outside.ledger.read() as tx:
        assert tx.latest("diagnosis", second, Diagnosis) == before


async def test_an_incident_that_came_back_teaches_nothing_until_it_is_judged_anew(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.hire()
    first = night.alert()
    look(night, first)
    close(night, first)
    judge(night.outside, first, said(night))
    night.alert("HighErrorRate", "resolved")
    assert night.alert() == first
    other = night.alert(service="elsewhere", name="Slow")
    look(night, other)
    assert find_similar(night.outside, other).alike == ()
    close(night, first)
    assert case(night, first).verdict == "unjudged"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"verdict": "other"}, "in your words"),
        ({"verdict": "confirmed", "hypothesis": "h77"}, "has no hypothesis 'h77'"),
    ],
)
async def test_a_judgement_that_says_nothing_is_refused(
    tmp_path: Path, given: dict[str, str], says: str
) -> None:
    night = Night(tmp_path)
    first = night.alert()
    look(night, first)
    close(night, first)
    with pytest.raises(Refused, match=says):
        judge(night.outside, first, said(night, **given))


async def test_memory_outlives_the_incident_and_has_a_time_of_its_own(tmp_path: Path) -> None:
    night, first = await a_judged_night(tmp_path)
    await night.leap(minutes=100 * 24 * 60)
    prune(night.outside)
    assert case(night, first).counts
    await night.leap(minutes=700 * 24 * 60)
    prune(night.outside)
    with night.outside.ledger.read() as tx:
        assert tx.case(first) is None
    assert night.rules.memory.keep == timedelta(days=730)
