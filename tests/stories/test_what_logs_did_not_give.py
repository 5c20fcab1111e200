"""What a log source could not give is on the page, and nobody is asked for logs they never had."""

import asyncio
from dataclasses import replace
from pathlib import Path

from steadyhand.journey.evidence.model import Page
from steadyhand.ports import SourceUnavailable
from steadyhand.responder.investigation.gather import gather
from steadyhand.testing.sources import MemoryLogs
from stories.night import Night


def page_with(folder: Path, *logs: MemoryLogs) -> Page:
    async def story() -> Page:
        night = Night(folder)
        night.outside = replace(night.outside, logs=logs)
        return await gather(night.outside, night.view(night.alert()).incident)

    return asyncio.run(story())


def test_what_a_log_source_did_not_read_is_a_gap_of_the_page(tmp_path: Path) -> None:
    source = MemoryLogs(services=("shop", "postgres"))
    source.gaps = ("shop: only its last 1,000 bytes were read",)
    assert page_with(tmp_path, source).gaps[0] == "shop: only its last 1,000 bytes were read"


def test_a_service_without_a_log_is_a_gap_and_its_database_a_word_in_the_coverage(tmp_path: Path) -> None:
    page = page_with(tmp_path, MemoryLogs(services=()))
    assert "shop: no log is configured" in page.gaps
    assert not any("postgres" in gap for gap in page.gaps)
    assert page.coverage["logs"].endswith("; no logs of postgres")


def test_a_log_that_any_source_holds_is_not_missed(tmp_path: Path) -> None:
    page = page_with(tmp_path, MemoryLogs(services=("shop",)), MemoryLogs(services=("postgres",)))
    assert not any("no log is configured" in gap for gap in page.gaps)
    assert "no logs of" not in page.coverage["logs"]


def test_a_source_that_failed_is_the_gap_and_says_nothing_of_who_has_logs(tmp_path: Path) -> None:
    source = MemoryLogs(services=())
    source.failure = SourceUnavailable("files", "disk")
    page = page_with(tmp_path, source)
    assert "files: disk" in page.gaps
    assert not any("no log is configured" in gap for gap in page.gaps)
