"""A text is looked for where the lines are kept: among all of them, and as data, never as a query."""

import pytest
from contracts.log_connectors import CONNECTORS, WINDOW, Connector, Make, maker, many, some
from log_worlds import Held

pytestmark = pytest.mark.anyio
CLOSING = 'say "hi" | delete [search index=*] `drop` {x} (y) / \\ \' *'


@pytest.fixture(params=CONNECTORS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connector(name: str) -> Connector:
    return CONNECTORS[name]


@pytest.fixture
def make(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> Make:
    return maker(connector, monkeypatch)


async def test_one_line_among_thousands_is_found_however_few_may_be_read(
    make: Make, connector: Connector
) -> None:
    async with make(many(), most_lines=100) as (source, _, _):
        report = await source.read(["shop"], WINDOW, "POOL resized")
    (covered,) = report.coverage
    if connector.counts:
        assert [one.message for one in report.lines] == ["pool resized from 20 to 2"]
        assert (covered.matched, covered.read, covered.sampled) == (1, 1, ())
        how = {"text": "found", "words": "found by whole words"}[covered.found_by]
        assert f"{source.name}: 1 of 1 {how} lines of shop read" in covered.told()
    else:
        assert (covered.matched, covered.found_by) == (None, "")


async def test_more_lines_with_the_text_than_may_be_read_are_sampled_and_counted(
    make: Make, connector: Connector
) -> None:
    async with make(many(), most_lines=300) as (source, _, _):
        report = await source.read(["shop"], WINDOW, "paid")
    (covered,) = report.coverage
    assert {"paid" in one.message for one in report.lines} == {True}
    if connector.counts:
        assert covered.matched == 2_000
        assert 200 <= covered.read <= 450
        assert covered.sampled != ()


async def test_a_text_is_data_whatever_it_holds(make: Make) -> None:
    lines = [Held(11, "shop", "info", f"they {CLOSING} it"), *some(12, 13)]
    async with make(lines) as (source, _, _):
        report = await source.read(["shop"], WINDOW, CLOSING)
        assert [one.message for one in report.lines] == [f"they {CLOSING} it"]
        assert report.gaps == ()
        report = await source.read(["shop"], WINDOW, CLOSING.replace("hi", "ho"))
        assert (report.lines, report.gaps) == ((), ())


async def test_signs_alone_are_found_too(make: Make) -> None:
    async with make([Held(11, "shop", "info", "a |*| b"), *some(12)]) as (source, _, _):
        report = await source.read(["shop"], WINDOW, "|*|")
    assert [one.message for one in report.lines] == ["a |*| b"]


async def test_a_line_is_found_again_by_its_ref_and_little_else_is_read(
    make: Make, connector: Connector
) -> None:
    async with make(many()) as (source, _, _):
        wanted = (await source.read(["shop"], WINDOW)).lines[700]
        report = await source.read(["shop"], WINDOW, wanted.ref)
    assert [one for one in report.lines if one == wanted] == list(report.lines) == [wanted]
    if connector.counts:
        assert report.coverage[0].read <= 5
