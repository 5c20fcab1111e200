"""Words of an attacker on an engineer's terminal: they never move the cursor, colour, ring or hide a line."""

from pathlib import Path
from typing import Any

import pytest
from stories.night import Night

from steadyhand.commands import answers
from steadyhand.commands.records import report, show
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.commands import Record
from steadyhand.responder.alerts.intake import take_alert
from steadyhand.responder.fixes.deciding import Refused, sign_in
from steadyhand.responder.views import view_incident

HOSTILE = "\x1b[2J\x1b]0;owned\x07ok\r\u202e\u200bplan approved\x9b31m\x7f"


@pytest.fixture
def home(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A night whose store is the one the terminal's commands look into."""
    monkeypatch.setenv("STEADYHAND_HOME", str(tmp_path))
    (tmp_path / "steadyhand.db").symlink_to(night.place)
    return night


def _harmless(text: str) -> bool:
    return all(one == "\n" or one.isprintable() or one == "\u200b" for one in text)


def _alert(night: Night, words: str) -> str:
    now = night.clock.now()
    alert = Alert(
        source="x", dedup_key="k", name=words, service=words, status="firing", starts_at=now, summary=words
    )
    return take_alert(night.outside, alert, "")


def test_the_report_holds_no_control_character(home: Night, capsys: pytest.CaptureFixture[str]) -> None:
    incident = _alert(home, HOSTILE)
    assert report(incident) == 0
    told = capsys.readouterr().out
    assert "plan approved" in told
    assert _harmless(told)


@pytest.mark.anyio
async def test_the_trail_shows_the_name_a_stranger_gave_without_its_control_characters(
    home: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Refused):
        await sign_in(home.outside, HOSTILE, "000000", "console")
    with home.outside.ledger.write() as tx:
        tx.record("", Record(action="report.note", actor="model", body={"notes": HOSTILE}), home.clock.now())
    assert show("") == 0
    told = capsys.readouterr().out
    assert "plan approved" in told
    assert _harmless(told)


def test_incidents_and_the_plan_to_be_approved_are_listed_without_control_characters(
    night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = night.propose(night.alert())
    view = view_incident(night.outside, plan.incident).model_dump(mode="json")
    view["incident"] |= {"title": HOSTILE, "service": HOSTILE}
    view["plan"]["fix"] |= {"title": HOSTILE, "why_this_risk": HOSTILE}

    class Door:
        def __init__(self, _name: str) -> None:
            """Open to anybody."""

        def get(self, path: str) -> Any:
            return {"incidents": [view["incident"]]} if path == "/api/incidents" else view

    monkeypatch.setattr(answers, "Door", Door)
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    assert answers.show("ana") == 0
    assert answers.answer("approve", plan.incident, "ana", "") == 1
    told = capsys.readouterr().out
    assert "plan approved" in told
    assert _harmless(told)
    assert '"set_release"' in told, "an approver reads the action itself, not only a title"
