"""Stack traces of stores that keep each line by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from steadyhand.adapters.logs.folding import Folding
from steadyhand.journey.evidence.model import LogLine, Window
from steadyhand.journey.evidence.patterns.lines import tally_lines

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
JAVA = (
    "ERROR order failed",
    "java.lang.IllegalStateException: pool is empty",
    "\tat com.shop.Pool.take(Pool.java:9)",
    "\t... 12 more",
    "Caused by: java.io.IOException: reset",
    "\tat com.shop.Wire.read(Wire.java:4)",
)
PYTHON = (
    "ERROR order failed",
    "Traceback (most recent call last):",
    '  File "/app/pay.py", line 3, in pay',
    "    raise ValueError(card)",
    "ValueError: no card",
)
GO = (
    "panic: nil map",
    "",
    "goroutine 7 [running]:",
    "main.pay(...)",
    "\t/app/main.go:12 +0x1d",
    "created by main.main",
)


def written(*texts: str, at: float = 0, stream: str = "a", apart: float = 0.001) -> list[tuple[LogLine, str]]:
    return [
        (
            LogLine(
                at=START + timedelta(seconds=at + number * apart),
                service="shop",
                severity="ERROR" if "ERROR" in text else "",
                message=text,
                ref=f"{stream}:{at}:{number}",
            ),
            stream,
        )
        for number, text in enumerate(texts)
    ]


def newest_first(*lines: tuple[LogLine, str]) -> list[tuple[LogLine, str]]:
    ordered = sorted(lines, key=lambda pair: pair[0].at)
    return ordered[::-1]


def folded(*pages: Sequence[tuple[LogLine, str]]) -> list[str]:
    folding = Folding()
    out = [one for page in pages for one in folding.fold(page)]
    return [one.message for one in (*out, *folding.rest())]


@pytest.mark.parametrize(
    ("trace", "head"), [(JAVA, 1), (PYTHON, 0), (GO[2:], 0)], ids=["java", "python", "go"]
)
def test_a_trace_of_many_lines_is_one_record(trace: Sequence[str], head: int) -> None:
    lines = [*written("INFO before", at=-5), *written(*trace), *written("INFO after", at=5)]
    found = folded(newest_first(*lines))
    assert sorted(found) == sorted(["INFO before", *trace[:head], "\n".join(trace[head:]), "INFO after"])


def test_lines_of_one_instant_keep_the_order_in_which_they_were_written() -> None:
    assert folded(newest_first(*written(*PYTHON, apart=0))) == ["\n".join(PYTHON)]


def test_a_trace_that_a_page_cuts_waits_for_its_first_line() -> None:
    lines = newest_first(*written(*PYTHON), *written("INFO after", at=1))
    for cut in range(1, len(lines)):
        assert sorted(folded(lines[:cut], lines[cut:])) == sorted(["\n".join(PYTHON), "INFO after"])


def test_a_trace_without_its_first_line_is_still_one_record() -> None:
    assert folded(newest_first(*written(*PYTHON[2:]))) == ["\n".join(PYTHON[2:])]


def test_traces_of_two_writers_are_not_mixed() -> None:
    lines = newest_first(*written(*PYTHON, stream="a"), *written(*JAVA[1:], stream="b", at=0.0005))
    assert sorted(folded(lines)) == sorted(["\n".join(PYTHON), "\n".join(JAVA[1:])])


def test_what_only_looks_like_a_part_stays_a_record() -> None:
    apart = [*written("INFO one"), *written("  indented much later", at=10)]
    assert len(folded(newest_first(*apart))) == 2
    assert folded([(line, "") for line, _ in newest_first(*written(*PYTHON))])[0] == PYTHON[-1]
    assert len(folded(newest_first(*written("ERROR a", "ValueError: b", "retry(3)")))) == 3


def test_a_folded_trace_is_counted_by_what_was_thrown_and_where() -> None:
    lines = newest_first(*(one for at in range(5) for one in written(*PYTHON, at=at * 10)))
    records = Folding().fold(lines)
    whole = Window(start=START - timedelta(seconds=1), end=START + timedelta(seconds=60))
    (kind,) = tally_lines(records, whole, 10).kinds
    assert kind.severity == "ERROR"
    assert "ValueError" in " ".join(kind.template)
