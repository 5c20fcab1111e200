"""The scoreboard: what a method may see, how an answer is judged, and what is printed of it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation.layouts import metric_set

from steadyhand.cli import main
from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.baselines import BASELINES
from steadyhand.evaluation.board import as_html, as_picture
from steadyhand.evaluation.case import Case, Truth
from steadyhand.evaluation.engines import engine
from steadyhand.evaluation.errors import BadCase, NoCases
from steadyhand.evaluation.figures import Share, bins, calibration_error
from steadyhand.evaluation.metric_sets import read_case
from steadyhand.evaluation.report import HEADS, as_text
from steadyhand.evaluation.score import rows, score
from steadyhand.evaluation.sources import find_cases
from steadyhand.evaluation.worlds.generate import VERSION, Plan
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.ranking.weights import shipped
from steadyhand.journey.diagnosis.rule import DiagnosisRule

_WELL = Case("well", "generated", Plan(5, "fault-free", 1).look, Plan(5, "fault-free", 1).reveal)


def _answer(*names: str, confidence: float = 0.9, change: str | None = None) -> Answer:
    return Answer(components=names, confidence=confidence, abstained=not names, change=change)


def _case(folder: Path) -> Case:
    return read_case(metric_set(folder))


def test_the_engine_finds_the_end_of_a_chain_of_slow_callers(tmp_path: Path) -> None:
    found = engine(_case(tmp_path))
    assert found.components[0] == "stock"


def test_a_diagnosis_sees_nothing_from_after_the_alert(tmp_path: Path) -> None:
    case = _case(tmp_path)
    gauges = case.inputs.gauges()
    assert {len(one.since) for one in gauges} == {5}
    assert all(
        item.onset is not None and item.onset.at <= case.inputs.page.window.end
        for item in case.inputs.page.items
    )


def test_weights_whose_calibration_is_not_proven_leave_the_diagnosis_uncalibrated(tmp_path: Path) -> None:
    inputs = _case(tmp_path).inputs
    proven = shipped().model_copy(update={"proven": True})
    found = [
        diagnose(inputs.page, inputs.topology, DiagnosisRule(), ranker=one) for one in (shipped(), proven)
    ]
    assert [one.calibrated_on for one in found] == ["uncalibrated", proven.calibrated_on]


def test_a_case_is_answered_although_its_truth_is_not_there(tmp_path: Path) -> None:
    folder = metric_set(tmp_path)
    (folder / "truth.json").unlink()
    case = read_case(folder)
    assert engine(case).components
    with pytest.raises(BadCase, match=r"truth\.json"):
        case.reveal()


def test_files_a_case_names_may_be_missing(tmp_path: Path) -> None:
    folder = metric_set(tmp_path)
    (tmp_path / "shared/topology.json").unlink()
    assert engine(read_case(folder)).components


def test_fault_free_windows_come_with_each_set(tmp_path: Path) -> None:
    metric_set(tmp_path)
    healthy = [one for one in find_cases(str(tmp_path)) if one.reveal().healthy]
    assert healthy
    assert all(engine(one).abstained for one in healthy)


def test_no_case_at_all_fails_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(tmp_path)]) == 1
    assert "no case here" in capsys.readouterr().err
    with pytest.raises(NoCases):
        score((), engine)


def test_who_answers_nobody_is_right_only_where_all_is_well(tmp_path: Path) -> None:
    case = _case(tmp_path)
    well = Case("calm", "little", lambda: case.inputs, lambda: Truth(component=None, family="fault-free"))
    found = score((case, well), lambda _: _answer())
    assert [one.right for one in found] == [False, True]


def test_a_decoy_named_beside_the_right_component_is_not_right(tmp_path: Path) -> None:
    case = _case(tmp_path)

    def reveal() -> Truth:
        return Truth(component="stock", family="cpu", changes=frozenset({"c1"}), decoys=frozenset({"c2"}))

    asked = Case("asked", "little", lambda: case.inputs, reveal)
    found = score((asked,), lambda _: _answer("stock", change="c2"))
    (row, *_) = rows(found)
    assert (found[0].right, row.first.hits, row.decoys.hits, row.confident_wrong.hits) == (False, 1, 1, 1)


def test_the_pooled_row_never_stands_alone(tmp_path: Path) -> None:
    found = rows(score((_case(tmp_path),), engine))
    assert [one.name for one in found] == ["little", "little / cpu", "all pooled"]


def test_the_interval_of_few_cases_is_wide() -> None:
    low, high = Share(20, 20).interval
    assert (round(low, 2), high) == (0.84, 1.0)


def test_a_confidence_that_keeps_its_word_has_no_calibration_error() -> None:
    kept = [(0.5, at % 2 == 0) for at in range(100)]
    boasted = [(0.95, at % 2 == 0) for at in range(100)]
    assert calibration_error(bins(kept)) == pytest.approx(0.0, abs=0.01)
    assert calibration_error(bins(boasted)) == pytest.approx(0.45, abs=0.01)


def test_the_board_is_written_as_a_page_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metric_set(tmp_path / "set")
    page, data = tmp_path / "board.html", tmp_path / "board.json"
    assert main(["eval", str(tmp_path / "set"), "--html", str(page), "--json", str(data)]) == 0
    assert "all pooled" in capsys.readouterr().out
    assert "<svg" in page.read_text(encoding="utf-8")
    assert json.loads(data.read_text(encoding="utf-8"))["rows"][-1]["name"] == "all pooled"


def test_the_reliability_of_each_system_is_printed_and_drawn_and_the_pooled_one_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = tmp_path / "sure.svg"
    assert main(["eval", "generated:7:5", "--picture", str(drawn)]) == 0
    printed = capsys.readouterr().out.split("said and right", 1)[1].splitlines()[1:]
    captions = re.findall(r'font-weight="600">([^<]+)<', drawn.read_text(encoding="utf-8"))
    systems = [one.split(":")[0].strip() for one in printed]
    assert [one.split(":")[0] for one in captions] == systems
    assert len(systems) > 2
    assert systems[-1] == "all pooled"


def test_where_nobody_was_blamed_the_picture_says_so() -> None:
    found = rows(score([_WELL], lambda _: _answer()))
    assert "No answer blamed anybody" in as_picture(found)


def test_beside_each_system_the_page_tells_what_plain_methods_find(tmp_path: Path) -> None:
    found = score([_case(tmp_path)], engine)
    page = as_html(rows(found), found, {})
    beside = page.split("Beside plain methods", 1)[1].split("</table>", 1)[0]
    assert [name in beside for name in BASELINES] == [True] * len(BASELINES)
    assert "all pooled" in beside


def test_the_report_of_generated_worlds_names_their_version(tmp_path: Path) -> None:
    data = tmp_path / "board.json"
    assert main(["eval", "twins:1:3", "--json", str(data)]) == 0
    assert json.loads(data.read_text())["about"]["data"] == f"twins:1:3 (worlds-{VERSION})"


def test_each_row_has_every_figure_that_was_asked_for(tmp_path: Path) -> None:
    spent = replace(_answer("stock"), tokens=1200, seconds=2.0)
    found = score([_case(tmp_path)], lambda _: spent)
    printed, page = as_text(rows(found)), as_html(rows(found), found, {})
    figures = ("n", "chance", "AC@1", "AC@3", "Avg@5", "spec.", "conf.wrong", "ECE", "onset s", "s/case")
    assert set(figures) <= set(HEADS)
    assert [one for one in (*figures, "tokens") if one not in page] == []
    assert "1200 tokens" in printed


@pytest.mark.parametrize("option", ["--json", "--html", "--picture"])
def test_a_report_that_could_not_be_written_is_refused_before_anybody_is_asked(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    metric_set(tmp_path / "set")
    asked = tmp_path / "asked"
    for place in (tmp_path / "nowhere" / "board", tmp_path):
        command = ["--engine", "command", "--command", f"touch {asked}"]
        assert main(["eval", str(tmp_path / "set"), *command, option, str(place)]) == 1
        assert f"{place}: cannot be written" in capsys.readouterr().err
    assert not asked.exists()


def test_a_folder_that_is_not_there_is_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(tmp_path / "nowhere")]) == 1
    assert "there is no such folder; name one with cases, or generated:120" in capsys.readouterr().err
