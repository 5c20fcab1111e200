"""Log files whose stamps and whose last writing disagree."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.journey.evidence.model import Window

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "off_s", "said"),
    [
        (lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z", 90, "90 s ahead of when it was written"),
        (lambda at: f"{at:%Y-%m-%d %H:%M:%S}", 7200, "is the zone of its stamps right?"),
        (lambda at: f"{at:%Y-%m-%d %H:%M:%S}", -3600, "is the zone of its stamps right?"),
        (lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z", -600, ""),  # copied later than written, as far as one can see
        (lambda at: f"{at:%Y-%m-%dT%H:%M:%S}Z", 1, ""),
    ],
)
async def test_a_log_that_is_stamped_later_than_it_was_written_tells_that_its_clock_is_off(
    tmp_path: Path, written: Callable[[datetime], str], off_s: int, said: str
) -> None:
    path, now = tmp_path / "shop.log", START + timedelta(seconds=600)
    stamps = [now + timedelta(seconds=off_s - ago) for ago in range(60, -1, -5)]
    path.write_text("".join(f"{written(at)} INFO served\n" for at in stamps))
    os.utime(path, (now.timestamp(), now.timestamp()))
    report = await FileLogs(FileLogSettings(files={"shop": (str(path),)})).tally(
        ["shop"], Window(start=START, end=START + timedelta(seconds=601)), 100
    )
    found = [(one.entity, one.lo_s, said in one.text) for one in report.offsets]
    assert found == ([("shop", off_s, True)] if said else [])
