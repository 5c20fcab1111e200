"""The digest of the logs: short, strongest first, rare new messages kept, and quiet when nothing changed."""

import json
import random
from typing import Any

from little_world import at, calm_lines, log_line, window

from steadyhand.journey.evidence.log_digest import MAX_TOKENS, NO_DATA, NOTHING, log_digest
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import LogLine
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.lines import tally_lines

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll")


def text_of(lines: list[LogLine], seconds: float = 120) -> str:
    whole, calm = window(0, seconds), window(0, 60)
    patterns = compare(tally_lines(lines, whole, 5000), whole, calm)
    return log_digest(patterns, whole, calm, masker=Masker(), gaps=("till: a file is compressed",))


def digest(lines: list[LogLine], seconds: float = 120) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text_of(lines, seconds))
    return told


def test_a_calm_log_says_that_nothing_changed_and_what_was_not_seen() -> None:
    told = digest(calm_lines(120))
    assert told["verdict"] == NOTHING
    assert told["changed"] == []
    assert told["unclustered"] == 0.0
    assert told["not_seen"] == ["till: a file is compressed"]


def test_no_line_at_all_is_no_data_and_not_health() -> None:
    assert digest([])["verdict"] == NO_DATA


def test_a_log_that_was_born_after_the_calm_part_says_that_there_was_nothing_to_compare_with() -> None:
    told = digest([one for one in calm_lines(120) if one.at >= at(70)])
    assert told["not_seen"][0] == "no line in the calm part, so every message counts as new"


def test_what_changed_is_told_with_kind_counts_onset_example_and_place() -> None:
    lines = [*calm_lines(120), *(log_line(80 + one / 4, "no connection left", "ERROR") for one in range(40))]
    told = digest(lines)
    assert told["verdict"] == "changed"
    (entry,) = told["changed"]
    assert entry == {
        "id": "t1", "kind": "new", "severity": "ERROR", "now": 40, "base": 0, "onset": f"{at(80):%H:%M:%S}",
        "onset_s": 1.0, "exemplar": "no connection left", "ref": "log:80.0",
    }  # fmt: skip


def test_it_keeps_to_its_budget_and_a_single_rare_line_among_hundreds_of_loud_kinds() -> None:
    luck = random.Random(3)  # noqa: S311 - made-up words
    texts = [" ".join(luck.sample(WORDS, 3 + kind % 8)) + " failed" for kind in range(60)]
    loud = [log_line(70 + luck.random() * 40, text, "ERROR") for text in texts for _ in range(30)]
    rare = log_line(66, "certificate expires today", "WARN")
    text = text_of([*loud, rare])
    assert len(text) / 3 <= MAX_TOKENS
    assert "certificate expires today" in text
    assert json.loads(text)["left_out"] > 0


def test_what_began_within_seconds_stands_together_in_order() -> None:
    bursts = ((70, "primary is lost"), (72, "writes are refused"), (95, "queue is full now"))
    lines = [log_line(second + one / 10, text, "ERROR") for second, text in bursts for one in range(30)]
    told = digest(lines)
    names = {entry["id"]: entry["exemplar"] for entry in told["changed"]}
    assert [[names[one] for one in group] for group in told["groups"]] == [
        ["primary is lost", "writes are refused"],
        ["queue is full now"],
    ]


def test_a_message_that_stops_in_the_middle_of_the_window_has_vanished() -> None:
    told = digest([log_line(second / 2, "heartbeat written") for second in range(160)])
    (entry,) = told["changed"]
    assert (entry["kind"], entry["onset"]) == ("vanished", f"{at(80):%H:%M:%S}")


def test_a_surge_of_the_last_seconds_is_one_too() -> None:
    lines = [log_line(second + 0.5, "retrying call to bank") for second in range(600)]
    lines += [log_line(570 + one / 20, "retrying call to bank") for one in range(580)]
    (entry,) = digest(lines, seconds=600)["changed"]
    assert entry["kind"] == "surged"
    assert abs(int(entry["onset"][-2:]) - 30) <= 2
