"""The journal: by journalctl itself over a journal of real files, and from files in its export format."""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from steadyhand.adapters.logs.journald import JournaldSettings, JournaldStore
from steadyhand.adapters.logs.remote import RemoteLogs
from steadyhand.journey.evidence.model import Window
from steadyhand.ports import SourceRefused

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(seconds=60))
MAKER = Path("/lib/systemd/systemd-journal-remote")
ENTRIES = [(second, "shop", 6, f"order {second} paid") for second in range(-5, 70)]
ODD = [(30, "shop", 3, "two\nlines"), (31, "cart", 6, "not ours")]


def exported(entries: Sequence[tuple[int, str, int, str]]) -> bytes:
    """What `journalctl -o export` writes of them."""
    out = b""
    for number, (second, unit, priority, message) in enumerate(sorted(entries)):
        stamp = int((START + timedelta(seconds=second)).timestamp() * 1_000_000)
        boot = "a" * 32
        cursor = f"s={boot};i={number + 1:x};b={boot};m={number + 1:x};t={stamp:x};x={number + 1:x}"
        head = f"__CURSOR={cursor}\n__REALTIME_TIMESTAMP={stamp}\n__MONOTONIC_TIMESTAMP={number + 1}\n"
        head += f"_BOOT_ID={boot}\nPRIORITY={priority}\n_SYSTEMD_UNIT={unit}.service\n"
        raw = message.encode()
        text = b"MESSAGE\n" + struct.pack("<Q", len(raw)) + raw if b"\n" in raw else b"MESSAGE=" + raw
        out += head.encode() + text + b"\n\n"
    return out


def source(**more: object) -> RemoteLogs:
    settings = JournaldSettings.model_validate(
        {"kind": "journald", "services": {"shop": "_SYSTEMD_UNIT=shop.service"}} | more
    )
    return RemoteLogs(settings, JournaldStore(settings))


@pytest.fixture(params=["export", "journalctl"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """Where the entries are, and how they are read."""
    path = tmp_path / "journal.export"
    path.write_bytes(exported([*ENTRIES, *ODD]))
    if request.param == "export":
        return {"export": [str(path)]}
    if not MAKER.exists() or shutil.which("journalctl") is None:
        pytest.skip("no journalctl, or no systemd-journal-remote to make a journal with")
    made = tmp_path / "remote" / "shop.journal"
    made.parent.mkdir()
    subprocess.run([MAKER, f"--output={made}", str(path)], check=True, capture_output=True)
    return {"directory": str(made.parent)}


async def test_entries_of_the_window_are_read_with_their_level_and_whole(journal: dict[str, object]) -> None:
    report = await source(**journal).read(["shop"], WINDOW)
    assert len(report.lines) == 61
    assert (report.lines[0].message, report.lines[-1].message) == ("order 0 paid", "order 59 paid")
    assert [(one.severity, one.message) for one in report.lines if one.severity != "info"] == [
        ("error", "two\nlines")
    ]
    assert len({one.ref for one in report.lines}) == 61
    assert report.gaps == ()


async def test_of_more_than_may_be_read_the_newest_are_and_the_page_says_from_when(tmp_path: Path) -> None:
    path = tmp_path / "many.export"
    path.write_bytes(exported([(second // 10, "shop", 6, f"n {second}") for second in range(600)]))
    report = await source(export=[str(path)], most_lines=100).read(["shop"], WINDOW)
    (covered,) = report.coverage
    assert len(report.lines) == 100
    assert covered.window.start == report.lines[0].at
    assert covered.matched is None


async def test_a_journalctl_that_fails_or_is_not_there_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "journalctl"
    broken.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('Failed to open: no such directory')\n")
    broken.chmod(0o755)
    with pytest.raises(SourceRefused, match="no such directory"):
        await source(program=str(broken)).read(["shop"], WINDOW)
    with pytest.raises(SourceRefused, match="not installed"):
        await source(program=str(tmp_path / "none")).read(["shop"], WINDOW)


async def test_a_message_that_is_no_text_and_a_broken_entry_are_survived(tmp_path: Path) -> None:
    stamp = str(int(START.timestamp() * 1_000_000) + 1)
    rows = [{"__REALTIME_TIMESTAMP": stamp, "MESSAGE": [104, 105, 255]}, {"MESSAGE": "no time"}]
    script = f"#!{sys.executable}\nprint({json.dumps(chr(10).join(json.dumps(one) for one in rows))!s})\n"
    odd = tmp_path / "journalctl"
    odd.write_text(script)
    odd.chmod(0o755)
    report = await source(program=str(odd)).read(["shop"], WINDOW)
    assert [one.message for one in report.lines] == ["hi\ufffd"]
    assert any("1 entries" in one for one in report.gaps)


def test_a_match_that_is_an_option_is_refused() -> None:
    for wrong in ("--vacuum-size=1", "", "shop.service"):
        with pytest.raises(ValidationError, match="_SYSTEMD_UNIT"):
            source(services={"shop": wrong})


async def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.export"
    path.write_bytes(b"MESSAGE\n" + b"\xff" * 20)
    with pytest.raises(SourceRefused, match="export format"):
        await source(export=[str(path)]).read(["shop"], WINDOW)


async def test_a_text_is_looked_for_where_the_journal_is_and_found_whatever_its_case(
    journal: dict[str, object],
) -> None:
    report = await source(most_lines=100, **journal).read(["shop"], WINDOW, "ORDER 5 p")
    assert [line.message for line in report.lines] == ["order 5 paid"]
    assert report.coverage[0].found_by == "text"
    assert report.coverage[0].read == 1
    assert (await source(**journal).read(["shop"], WINDOW, "no such (text")).lines == ()


async def test_a_journalctl_without_patterns_is_read_and_looked_through_here(tmp_path: Path) -> None:
    row = {"PRIORITY": "6", "_PID": "1"}
    rows = [
        json.dumps(row | {"MESSAGE": text, "__REALTIME_TIMESTAMP": f"{START.timestamp() * 1e6 + at:.0f}"})
        for at, text in enumerate(["order 5 paid", "order 6 paid"])
    ]
    old = tmp_path / "journalctl"
    lines = "\n".join(rows)
    old.write_text(
        '#!/bin/sh\ncase "$*" in *--grep=*)'
        " echo 'Compiled without pattern matching support' >&2; exit 1;; esac\n"
        f"cat <<'END'\n{lines}\nEND\n"
    )
    old.chmod(0o755)
    report = await source(program=str(old)).read(["shop"], WINDOW, "order 5")
    assert [line.message for line in report.lines] == ["order 5 paid"]


async def test_a_stack_trace_printed_line_by_line_is_one_record(tmp_path: Path) -> None:
    printed = [
        "unexpected: cannot pay",
        "Traceback (most recent call last):",
        '  File "/app/pay.py", line 3, in pay',
    ]
    entries = [(at, "shop", 3, text) for at, text in enumerate([*printed, "ValueError: no card"], 30)]
    path = tmp_path / "journal.export"
    path.write_bytes(exported(entries).replace(b"PRIORITY=", b"_PID=7\nPRIORITY="))
    report = await source(export=[str(path)]).read(["shop"], WINDOW)
    assert len(report.lines) == 1
    assert "ValueError: no card" in report.lines[0].message
