import bz2
import gzip
import json
import lzma
import os
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steadyhand.adapters.logs import files
from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.adapters.logs.records import parse
from steadyhand.journey.evidence.model import LogReport, Window
from steadyhand.journey.evidence.patterns.compare import compare
from steadyhand.journey.evidence.patterns.formats.reader import Reader
from steadyhand.journey.evidence.patterns.formats.stamps import Clock, moment
from steadyhand.journey.evidence.patterns.formats.structured import FieldNames
from steadyhand.journey.evidence.patterns.tally import TalliedLogs
from steadyhand.ports import SourceRefused

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
NAMES = FieldNames(("ts",), ("level",), ("msg",))
Read = Callable[..., LogReport]


def window(first_s: float, last_s: float) -> Window:
    return Window(start=START + timedelta(seconds=first_s), end=START + timedelta(seconds=last_s))


def line(second: float, text: str = "request", **more: object) -> str:
    at = (START + timedelta(seconds=second)).isoformat()
    return json.dumps({"ts": at, "level": "INFO", "msg": f"{text} {second:g}"} | more) + "\n"


def logs(folder: Path, **more: object) -> FileLogs:
    globs = {"shop": (f"{folder}/shop*.log*",), "postgres": (f"{folder}/pg.log",)}
    return FileLogs(FileLogSettings.model_validate({"files": globs} | more))


async def test_lines_of_the_window_come_oldest_first_from_all_files(tmp_path: Path) -> None:
    (tmp_path / "shop-1.log").write_text("".join(line(s) for s in range(0, 100, 2)))
    (tmp_path / "shop-2.log").write_text("".join(line(s) for s in range(1, 100, 2)))
    (tmp_path / "pg.log").write_text(line(12, "checkpoint"))
    found = await logs(tmp_path).read(["shop", "postgres"], window(10, 14))
    assert [one.message for one in found.lines] == [
        "request 10",
        "request 11",
        "request 12",
        "checkpoint 12",
        "request 13",
    ]
    assert found.lines[3].service == "postgres"
    assert found.gaps == ()


async def test_a_line_names_its_fields_and_the_place_it_came_from(tmp_path: Path) -> None:
    first = line(0)
    (tmp_path / "shop.log").write_text(first + line(1, route="/orders", status=500, tags=["a"]))
    _, found = (await logs(tmp_path).read(["shop"], window(0, 9))).lines
    assert found.severity == "INFO"
    assert found.fields == {"route": "/orders", "status": "500", "tags": '["a"]'}
    assert found.ref == f"{tmp_path}/shop.log:{len(first)}"


async def test_a_line_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(line(1) + line(2) + line(3)[:40])
    found = await logs(tmp_path).read(["shop"], window(0, 9))
    assert [one.message for one in found.lines] == ["request 1", "request 2"]


async def test_a_torn_json_line_is_read_as_far_as_it_goes_and_never_lost(tmp_path: Path) -> None:
    whole, torn = (
        line(2, level="ERROR", msg="pool exhausted", host="db-3.shop"),
        line(3, level="ERROR", msg="pool exhausted"),
    )
    unread = '{"level": "ERROR", "msg": "disk full"}'
    (tmp_path / "shop.log").write_text(
        "\n".join([line(1).strip(), whole[:-8], torn[:-8], torn[:20], unread, line(5)])
    )
    found = await logs(tmp_path).read(["shop"], window(0, 9))
    second = [(one.at - START).total_seconds() for one in found.lines]
    assert second == [1, 2, 3, 3, 3, 5]
    assert [one.message for one in found.lines[1:5]] == [
        "pool exhausted",
        "pool exha",
        torn[:20],
        "disk full",
    ]
    assert [one.severity for one in found.lines] == ["INFO", "ERROR", "ERROR", "", "ERROR", "INFO"]
    counted = (await logs(tmp_path).tally(["shop"], window(0, 9), 10)).tallies
    assert counted.lines == 6
    told = "lines of shop whose time cannot be read counted at that of the line before"
    assert (found.assumptions, counted.assumptions) == ((told,), {told})


async def test_a_pretty_printed_body_stays_whole_with_its_record(tmp_path: Path) -> None:
    body = '{\n  "code": 401,\n  "reason": "card refused"\n}'
    (tmp_path / "shop.log").write_text(
        f"2026-01-31 02:00:01 ERROR the bank said\n{body}\n2026-01-31 02:00:02 ok\n"
    )
    error, _ = (await logs(tmp_path).read(["shop"], window(0, 9))).lines
    assert error.message == f"ERROR the bank said\n{body}"


async def test_a_whole_last_line_without_its_newline_is_read(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(line(1).rstrip())
    assert len((await logs(tmp_path).read(["shop"], window(0, 9))).lines) == 1


async def test_a_rotated_file_is_read_once_even_under_two_names(tmp_path: Path) -> None:
    (tmp_path / "shop.log.1").write_text(line(1) + line(2))
    (tmp_path / "shop.log").write_text(line(3))
    (tmp_path / "shop.log.link").hardlink_to(tmp_path / "shop.log")
    found = await logs(tmp_path).read(["shop"], window(0, 9))
    assert [one.message for one in found.lines] == ["request 1", "request 2", "request 3"]


async def test_a_stack_trace_stays_with_its_record(tmp_path: Path) -> None:
    text = (
        "2026-01-31 02:00:01,500 ERROR checkout failed\nTraceback:\n  PoolTimeout\n2026-01-31 02:00:02 ok\n"
    )
    (tmp_path / "shop.log").write_text(text)
    error, calm = (await logs(tmp_path).read(["shop"], window(0, 9))).lines
    assert (error.severity, error.message) == ("ERROR", "ERROR checkout failed\nTraceback:\n  PoolTimeout")
    assert error.at == START + timedelta(seconds=1.5)
    assert calm.message == "ok"


async def test_late_lines_within_the_disorder_are_found(tmp_path: Path) -> None:
    seconds = [0, 1, 6, 2, 3, 7, 5, 8]
    (tmp_path / "shop.log").write_text("".join(line(s) for s in seconds))
    found = await logs(tmp_path).read(["shop"], window(2, 6))
    assert [one.message for one in found.lines] == ["request 2", "request 3", "request 5"]


def _stamped(path: Path, seconds: Iterable[float], text: str = "request") -> None:
    path.write_text("".join(line(second, text) for second in seconds))


@pytest.mark.parametrize("stray", [1800, -86_400 * 365, 86_400 * 365 * 70])
async def test_a_line_with_a_stray_stamp_hides_no_other(tmp_path: Path, stray: float) -> None:
    seconds = [float(one) for one in range(640)]
    seconds[102] += stray
    _stamped(tmp_path / "shop.log", seconds)
    found = await logs(tmp_path).read(["shop"], window(0, 640), "request")
    counted = await logs(tmp_path).tally(["shop"], window(0, 640), 10)
    assert len(found.lines) == counted.tallies.lines == 639
    assert all("after the file was last written" in gap for gap in found.gaps)


@pytest.mark.parametrize("ahead", [3600, -3600])
async def test_the_lines_of_a_writer_with_another_clock_are_found_and_hide_no_other(
    tmp_path: Path, ahead: int
) -> None:
    with (tmp_path / "shop.log").open("w") as file:
        for second in range(0, 10_000, 10):
            file.writelines(line(second, pad="x" * 400) for _ in range(3))
            file.write(line(second + ahead, "other", pad="x" * 400))
    found = await logs(tmp_path).read(["shop"], window(4_000, 4_100))
    assert sum(one.message.startswith("request") for one in found.lines) == 30
    assert sum(one.message.startswith("other") for one in found.lines) == 10
    assert "its stamps jump back by up to " in found.gaps[0]
    (told,) = (await logs(tmp_path).read(["shop"], window(4_000, 4_100), "other")).coverage
    assert (told.matched, told.read) == (None, 40)


async def test_after_the_clock_was_put_back_both_times_are_read(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(
        "".join(line(s, pad="x" * 400) for s in (*range(0, 20_000, 10), *range(10_000, 30_000, 10)))
    )
    found = await logs(tmp_path).read(["shop"], window(15_000, 15_050))
    assert len(found.lines) == 10
    assert "its stamps jump back by up to 2:" in found.gaps[0]


async def test_where_disorder_is_too_much_to_read_the_window_itself_is_read_and_that_is_told(
    tmp_path: Path,
) -> None:
    seconds = [float(one) for one in range(20_000)]
    seconds[0] += 10**9
    seconds[-5:] = [1.0] * 5
    _stamped(tmp_path / "shop.log", seconds)
    found = await logs(tmp_path, most_bytes=300_000).read(["shop"], window(9_000, 9_050))
    assert len(found.lines) == 50
    assert "that seem to lie outside the window were not read" in found.gaps[0]


async def test_lines_stamped_after_their_file_was_written_are_told(tmp_path: Path) -> None:
    path = tmp_path / "shop.log"
    _stamped(path, [*range(10), 3_609, 3_610])
    os.utime(path, (START.timestamp() + 10, START.timestamp() + 10))
    found = await logs(tmp_path).read(["shop"], window(0, 10))
    assert len(found.lines) == 10
    assert "2 lines stamped up to 1:00:00 after the file was last written" in found.gaps[0]


async def test_what_did_not_fit_is_said_and_the_newest_is_kept(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text("".join(line(s) for s in range(100)))
    found = await logs(tmp_path, most_bytes=1000).read(["shop"], window(0, 100))
    assert found.lines[-1].message == "request 99"
    assert 5 < len(found.lines) < 20
    assert "only its last 1,000 were read" in found.gaps[0]


def zstd(raw: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard", reason="the extra zstd is not installed").compress(raw)
    return packed


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


@pytest.mark.parametrize("ending", PACKERS)
async def test_rotated_and_compressed_files_are_read_like_any_other(tmp_path: Path, ending: str) -> None:
    (tmp_path / "shop.log").write_text(line(5))
    packed = tmp_path / f"shop.log.1{ending}"
    packed.write_bytes(PACKERS[ending]("".join(line(second) for second in range(5)).encode()))
    found = await logs(tmp_path).read(["shop", "cart"], window(2, 9))
    assert [one.message for one in found.lines] == [f"request {second}" for second in range(2, 6)]
    assert found.lines[0].ref.startswith(f"{packed}:")
    counted = await logs(tmp_path).tally(["shop"], window(2, 9), 10)
    assert counted.tallies.lines == 4
    assert (found.gaps, found.unlogged) == ((), ("cart",))


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("shop.log.1.gz", gzip.compress(b"x" * 9_000, mtime=0)[:-9], "cannot be unpacked"),
        ("shop.log.1.gz", b"no gzip", "not a gzip"),
        ("shop.log.1.gz", gzip.compress(b"0" * 20_000_000, mtime=0), "more than 10,000,000 bytes unpacked"),
        ("shop.log.1.zst", b"(\xb5/\xfd\x04no zstd at all", "unpacked"),
    ],
)
async def test_a_packed_file_that_cannot_be_read_is_a_gap(
    tmp_path: Path, name: str, raw: bytes, why: str
) -> None:
    (tmp_path / "shop.log").write_text(line(1))
    (tmp_path / name).write_bytes(raw)
    found = await logs(tmp_path, most_tallied_bytes=10_000_000).read(["shop"], window(0, 9))
    assert len(found.lines) == 1
    assert len(found.gaps) == 1
    assert why in found.gaps[0].lower()
    assert name in found.gaps[0]


async def test_without_the_extra_a_zst_file_is_a_gap_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "shop.log").write_text(line(1))
    (tmp_path / "shop.log.1.zst").write_bytes(b"anything")
    found = await logs(tmp_path).read(["shop"], window(0, 9))
    assert len(found.lines) == 1
    assert "install steadyhand[zstd]" in found.gaps[0]


async def test_a_packed_file_older_than_the_window_is_not_unpacked(tmp_path: Path) -> None:
    old = tmp_path / "shop.log.9.gz"
    old.write_bytes(b"broken, but nobody looks")
    os.utime(old, (START.timestamp() - 9, START.timestamp() - 9))
    found = await logs(tmp_path).read(["shop"], window(0, 9))
    assert (found.lines, found.gaps) == ((), ())


async def test_no_readable_file_at_all_is_a_refusal_that_names_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"shop: no file matches .*shop\*\.log\*"):
        await logs(tmp_path).read(["shop"], window(0, 9))


async def test_binary_noise_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_bytes(os.urandom(300_000) + b"\n" + line(1).encode())
    assert len((await logs(tmp_path).read(["shop"], window(0, 9))).lines) == 1


async def test_half_a_character_pair_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(line(1, "a\ud800", **{"\ud800": "\ud800"}))
    (found,) = (await logs(tmp_path).read(["shop"], window(0, 9))).lines
    assert found.message == "a? 1"


@pytest.mark.timed
async def test_two_minutes_of_a_million_lines_are_read_in_under_a_second(tmp_path: Path) -> None:
    one = line(0).replace(START.isoformat(), "{:.2f}")
    epoch = START.timestamp()
    with (tmp_path / "shop.log").open("w") as file:
        file.writelines(one.replace("{:.2f}", f"{epoch + n / 20:.2f}") for n in range(1_000_000))
    began = time.perf_counter()
    found = await logs(tmp_path).read(["shop"], window(40_000, 40_120))
    spent = time.perf_counter() - began
    assert len(found.lines) == 2400
    assert spent < 1


def counted(report: TalliedLogs) -> list[tuple[str, int, int, dict[int, int]]]:
    whole, calm = window(0, 600), window(0, 300)
    found = compare(report.tallies, whole, calm).found
    return [(one.template, one.before, one.now, dict(one.seconds)) for one in found]


async def test_kinds_of_messages_are_counted_alike_by_one_two_or_no_process_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("request {} served", "cache miss for user:{:x}", "slow query {} ms")
    with (tmp_path / "shop.log").open("w") as file:
        file.writelines(line(n / 50, kinds[n % 7 % 3].format(n * 77777)) for n in range(30_000))
    here = await logs(tmp_path).tally(["shop"], window(0, 600), 1000)
    monkeypatch.setattr(files, "_BLOCK", 400_000)  # in blocks, and apart although it is little
    monkeypatch.setattr(files, "_APART", 1)
    one = await logs(tmp_path, workers=1).tally(["shop"], window(0, 600), 1000)
    two = await logs(tmp_path, workers=2).tally(["shop"], window(0, 600), 1000)
    assert here.tallies.lines == 30_000
    assert counted(here) == counted(one) == counted(two)
    assert one.tallies == two.tallies


async def test_what_is_not_counted_in_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.log").write_text("".join(line(s / 100) for s in range(20_000)))
    monkeypatch.setattr(files, "_BLOCK", 100_000)
    found = await logs(tmp_path, tally_time="0.001s").tally(["shop"], window(0, 600), 1000)
    assert 0 < found.tallies.lines < 20_000
    assert "were not counted in time" in found.gaps[0]
    last = max(second for one in found.tallies.kinds.values() for second in one.seconds)
    assert last == int(window(0, 199).end.timestamp())  # the newest were counted first


async def test_stamps_without_a_zone_are_read_in_the_sources_and_that_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "shop.log").write_text("2026-01-31 03:00:05 ERROR no connection\n")
    berlin = logs(tmp_path, zone="Europe/Berlin")
    report = await berlin.read(["shop"], window(0, 9))
    assert report.lines[0].at == START + timedelta(seconds=5)
    tallied = await berlin.tally(["shop"], window(0, 9), 10)
    assert report.assumptions == ("stamps of shop that name no zone read as Europe/Berlin",)
    assert tallied.tallies.assumptions == set(report.assumptions)


def test_an_unknown_zone_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match="'Berlin' is no time zone known here; write"):
        FileLogSettings(files={"shop": ("x",)}, zone="Berlin")


async def test_a_file_without_any_time_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text("started\nstopped\n")
    report = await logs(tmp_path).tally(["shop"], window(0, 9), 10)
    assert "no line begins with a time" in report.gaps[0]


@pytest.mark.parametrize(
    "given",
    [
        "2026-01-31T02:00:00Z",
        "2026-01-31T03:00:00+0100",
        1769824800,
        "1769824800.0",
        1769824800000,
        1.7698248e18,
    ],
)
def test_a_time_may_be_iso_or_epoch(given: object) -> None:
    found = moment(given, Clock())
    assert found is not None
    assert found.at == START


@given(
    st.text()
    | st.dictionaries(st.sampled_from(["ts", "level", "msg", "x"]), st.text() | st.floats()).map(json.dumps)
)
def test_any_line_is_a_record_or_none(text: str) -> None:
    record = parse(text, Reader(NAMES), Clock())
    assert record is None or record.moment.at.tzinfo is UTC
