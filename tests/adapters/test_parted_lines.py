"""Long lines that a container's runtime wrote in pieces are one line again, read and counted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.evidence.patterns.tally import Example, TalliedLogs

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 31, 2, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=5))
LONG = "x" * 16_384  # what Docker writes of a line at a time


def stamp(second: int) -> str:
    return f"{START + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}.123456789Z"


def cri(second: int, tag: str, text: str, stream: str = "stdout") -> str:
    return f"{stamp(second)} {stream} {tag} {text}\n"


def docker(second: int, text: str) -> str:
    return json.dumps({"log": text, "stream": "stdout", "time": stamp(second)}, separators=(",", ":")) + "\n"


def logs(folder: Path, text: str) -> FileLogs:
    (folder / "shop.log").write_text(text)
    return FileLogs(FileLogSettings(files={"shop": (f"{folder}/shop.log",)}))


def counted(found: TalliedLogs) -> dict[str, tuple[int, Example]]:
    kinds = found.tallies.kinds.values()
    return {one.first.text: (one.seconds.total(), one.first) for one in kinds}


PARTED = (
    cri(1, "F", "started")
    + cri(2, "P", '{"level":"error","msg":"pool is')
    + cri(3, "F", "WARN low on memory", "stderr")
    + cri(3, "P", ' empty","ho')
    + cri(3, "F", 'st":"db-3"}')
    + cri(4, "F", "done")
)


async def test_the_pieces_of_a_line_are_read_as_one_beside_the_other_stream(tmp_path: Path) -> None:
    found = (await logs(tmp_path, PARTED).read(["shop"], WINDOW)).lines
    assert [one.message for one in found] == ["started", "pool is empty", "WARN low on memory", "done"]
    assert (found[1].severity, found[1].fields["host"]) == ("error", "db-3")
    assert found[1].ref == f"{tmp_path}/shop.log:{PARTED.index(stamp(2))}"


async def test_they_are_counted_as_one_where_the_first_begins(tmp_path: Path) -> None:
    found = counted(await logs(tmp_path, PARTED).tally(["shop"], WINDOW, 100))
    assert {text: count for text, (count, _) in found.items()} == dict.fromkeys(
        ("started", "pool is empty", "WARN low on memory", "done"), 1
    )
    _, pool = found["pool is empty"]
    assert pool.ref == f"{tmp_path}/shop.log:{PARTED.index(stamp(2))}"
    assert found["done"][1].ref == f"{tmp_path}/shop.log:{PARTED.index(stamp(4))}"


async def test_what_docker_parted_is_one_line_and_a_short_one_without_an_end_stays_apart(
    tmp_path: Path,
) -> None:
    text = docker(1, LONG) + docker(1, LONG) + docker(1, "end\n") + docker(2, "no end") + docker(3, "next\n")
    source = logs(tmp_path, text)
    found = (await source.read(["shop"], WINDOW)).lines
    assert [one.message[-6:] for one in found] == ["xxxxxx", "no end", "next"]
    assert (await source.tally(["shop"], WINDOW, 100)).tallies.lines == 3


async def test_a_line_whose_end_never_came_is_not_lost(tmp_path: Path) -> None:
    source = logs(tmp_path, cri(1, "F", "started") + cri(2, "P", "half a li"))
    assert [one.message for one in (await source.read(["shop"], WINDOW)).lines] == ["started", "half a li"]
    assert (await source.tally(["shop"], WINDOW, 100)).tallies.lines == 2
