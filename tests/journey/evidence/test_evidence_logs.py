"""Lines become kinds of messages; what is new, gone or far more frequent is told, the rest is counted."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from little_world import TOPOLOGY, at, calm_lines, log_line, window

from steadyhand.journey.evidence.model import Change, Item, LogLine, Page
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.patterns.compare import Patterns, compare
from steadyhand.journey.evidence.patterns.lines import tally_lines
from steadyhand.journey.evidence.patterns.merge import merged
from steadyhand.journey.evidence.patterns.template import shown, template_of
from steadyhand.journey.evidence.rule import EvidenceRule


def counted(lines: list[LogLine], seconds: float = 120, calm: float = 60, budget: int = 1000) -> Patterns:
    whole = window(0, seconds)
    return compare(tally_lines(lines, whole, budget), whole, window(0, calm))


def test_a_line_in_the_windows_first_second_is_one_of_the_calm_part_though_the_second_began_before() -> None:
    whole = window(0.2, 60)
    started = [log_line(0.4, "replica started") for _ in range(3)]
    (found,) = compare(tally_lines(started, whole, 1000), whole, window(0.2, 25)).found
    assert (found.before, found.now, found.change) == (3, 0, None)


def page_of(lines: list[LogLine], changes: tuple[Change, ...] = (), rule: EvidenceRule | None = None) -> Page:
    return assemble(
        incident="i1",
        service="till",
        window=window(0, 120),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        lines=lines,
        changes=changes,
        rule=rule,
    )


def logs(page: Page) -> list[Item]:
    return [one for one in page.items if one.kind == "log"]


def test_lines_that_differ_in_numbers_addresses_and_ids_are_one_message() -> None:
    lines = [
        log_line(1, "user 17 from 10.0.0.3:5120 took 12.5 ms (req 3f2a9c41)"),
        log_line(2, "user 8812 from 10.0.9.44:80 took 7 ms (req 99aa01ff)"),
    ]
    found = counted(lines).found
    assert len(found) == 1
    assert (found[0].before, found[0].now) == (2, 0)


def test_names_in_one_place_merge_once_enough_of_them_are_seen() -> None:
    hosts = ["amber", "birch", "cedar", "delta"]
    found = counted(
        [log_line(one, f"lost contact with host {name} after retry") for one, name in enumerate(hosts)]
    )
    assert [one.template for one in found.found] == ["lost contact with host <*> after retry"]


def test_a_status_of_500_is_another_message_than_a_status_of_200() -> None:
    lines = [log_line(second, "request done", status="200") for second in range(120)]
    lines += [log_line(second, "request done", status="500") for second in range(70, 120)]
    items = logs(page_of(lines))
    assert [(one.role, one.facts["codes"], one.facts["count_now"]) for one in items] == [
        ("new_log", "status=500", "50")
    ]


def test_codes_inside_the_text_are_kept_apart_too() -> None:
    lines = [log_line(1, 'GET /a HTTP/1.1" 200 17'), log_line(2, 'GET /a HTTP/1.1" 503 17')]
    lines += [log_line(3, "worker exited with code 137"), log_line(4, "worker exited with code 0")]
    assert sorted(one.codes for one in counted(lines).found) == ["code=0", "code=137", "code=200", "code=503"]


def test_two_errors_under_one_message_are_two_messages() -> None:
    lines = [
        log_line(70, "request failed", "ERROR", error="PoolTimeout: no connection after 3.0 s"),
        log_line(71, "request failed", "ERROR", error="ReadTimeout: "),
    ]
    assert len(logs(page_of(lines))) == 2


def test_a_new_message_is_told_with_its_first_second_its_counts_and_where_to_open_it() -> None:
    lines = [*calm_lines(120), *(log_line(80.4 + one, "no connection left", "ERROR") for one in range(20))]
    (item,) = logs(page_of(lines))
    assert item.onset is not None
    assert item.onset.at == at(80.4)
    assert (item.role, item.direction, item.entity) == ("new_log", "new", "till")
    assert (item.facts["count_now"], item.facts["count_before"], item.facts["severity"]) == (
        "20",
        "0",
        "ERROR",
    )
    assert item.ref == "log:80.4"
    assert '"no connection left"' in item.title


def test_a_surge_is_dated_where_the_counts_bend() -> None:
    lines = [log_line(second + 0.1, "retrying call") for second in range(0, 90, 3)]
    lines += [log_line(90 + one / 10, "retrying call") for one in range(300)]
    (item,) = logs(page_of(lines))
    assert (item.role, item.direction) == ("log_rate", "up")
    assert item.onset is not None
    assert abs((item.onset.at - at(90)).total_seconds()) <= 2


def test_a_message_that_stops_is_told_as_gone() -> None:
    lines = [log_line(second / 2, "heartbeat written") for second in range(118)]
    (item,) = logs(page_of(lines))
    assert (item.role, item.direction) == ("log_rate", "gone")


def test_counts_are_compared_by_the_length_of_both_parts() -> None:
    lines = [log_line(second / 2, "tick") for second in range(240)]
    assert counted(lines, seconds=120, calm=20).found[0].change is None


def test_start_and_stop_lines_of_a_rollout_are_not_told_but_its_errors_are() -> None:
    rollout = Change(id="c-1", service="till", kind="code", started_at=at(80), finished_at=at(86))
    lines = [log_line(81, "stopping"), log_line(84, "started"), log_line(85, "cannot read settings", "ERROR")]
    assert [one.facts["exemplar"] for one in logs(page_of(lines, (rollout,)))] == ["cannot read settings"]


def test_a_rare_new_message_keeps_its_place_among_loud_ones() -> None:
    words = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty"]
    loud = [
        log_line(70 + one / 5, f"{word} {'x' * number} failed", "ERROR")
        for number, word in enumerate(words, start=1)
        for one in range(100)
    ]
    rare = log_line(66, "certificate expires today")
    page = page_of([*loud, rare])
    assert "certificate expires today" in [one.facts["exemplar"] for one in logs(page)]


def test_beyond_the_budget_lines_are_counted_as_unclustered_and_never_dropped_in_silence() -> None:
    luck = random.Random(5)  # noqa: S311 -- made-up words
    lines = [
        log_line(one / 10, "".join(luck.choices("abcdefghij", k=12)) + " came by") for one in range(1000)
    ]
    found = counted(lines, budget=100)
    assert found.lines == 1000
    assert found.unclustered == 900
    rule = EvidenceRule(max_templates=100)
    assert "900 lines unclustered" in page_of(lines, rule=rule).coverage["logs"]


@given(st.lists(st.text(max_size=80), max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_line_is_counted_exactly_once_whatever_it_says(texts: list[str]) -> None:
    found = counted([log_line(one, text) for one, text in enumerate(texts)])
    assert sum(one.before + one.now for one in found.found) + found.unclustered == len(texts)


@given(st.lists(st.lists(st.sampled_from("abcde="), min_size=1, max_size=6).map(tuple), max_size=30))
@settings(max_examples=60, deadline=None)
def test_merging_only_ever_widens_a_message(rows: list[tuple[str, ...]]) -> None:
    for narrow, wide in merged(rows).items():
        assert len(narrow) == len(wide)
        assert all(after in {before, "<*>"} for before, after in zip(narrow, wide, strict=True))


def test_a_template_reads_like_the_line_it_came_from() -> None:
    assert (
        shown(template_of("deleted 17 rows (table=orders) in 3 ms")) == "deleted <*> rows (table=<*>) in <*>"
    )
