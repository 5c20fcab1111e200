"""The source is asked for this hour of yesterday and last week, and what happened then too is usual."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from steadyhand.errors import SourceUnavailable
from steadyhand.journey.evidence.model import Page, Series, Window
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.topology import Service
from steadyhand.responder.investigation.gather import gather
from stories.night import Night


@dataclass
class NightlyBatch:
    """A metrics system in which every day at the same minute a job keeps many connections in use."""

    from_minute: int
    days_kept: timedelta
    now: datetime
    name: str = "prometheus"
    asked: list[Window] = field(default_factory=list)
    slow_with_old: bool = False

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        del selector
        self.asked.append(window)
        if window.start < self.now - self.days_kept:
            return []
        if self.slow_with_old and window.end < self.now:
            await asyncio.Event().wait()
        luck = random.Random(window.start.timestamp())  # noqa: S311 - made-up samples
        seconds = step.total_seconds()
        times = [
            window.start.timestamp() + seconds * n
            for n in range(int(window.length.total_seconds() / seconds))
        ]
        busy_from = self.from_minute * 60
        values = [
            (60.0 if busy_from <= (at - self.now.timestamp()) % 86_400 < busy_from + 240 else 5.0)
            + luck.gauss(0, 1)
            for at in times
        ]
        labels = {"job": "shop", "instance": "a"}
        return [
            Series(name="pool_connections_in_use", labels=labels, times=tuple(times), values=tuple(values))
        ]

    async def value(self, expression: str, at: datetime) -> float | None:
        raise SourceUnavailable(self.name, f"{expression} at {at} was not expected")


def page_of(folder: Path, days_kept: timedelta, *, slow_with_old: bool = False) -> tuple[Page, NightlyBatch]:
    async def story() -> tuple[Page, NightlyBatch]:
        night = Night(folder)
        incident: Incident = night.view(night.alert()).incident
        source = NightlyBatch(
            24 * 60 - 5, days_kept, incident.alerts[0].starts_at, slow_with_old=slow_with_old
        )
        shop = Service(name="shop", metrics=('{job="shop"}',))
        rules = night.outside.rules.model_copy(update={"services": (shop,)})
        night.outside = replace(night.outside, rules=rules, metrics=(source,), logs=())
        return await gather(night.outside, incident), source

    return asyncio.run(story())


def moved(page: Page) -> list[str]:
    return [one.id for one in page.items if one.kind == "metric" and one.direction != "none"]


def test_what_happened_yesterday_at_this_hour_is_usual_and_the_page_says_so(tmp_path: Path) -> None:
    page, source = page_of(tmp_path, timedelta(days=2))
    assert moved(page) == []
    assert "compared with this hour 1 d ago: 1 usual" in page.coverage["metrics"]
    assert {round((source.now - one.start).total_seconds() / 86_400) for one in source.asked} == {0, 1, 7}


def test_a_source_without_yesterday_compares_with_nothing_and_claims_nothing(tmp_path: Path) -> None:
    page, _ = page_of(tmp_path, timedelta(hours=2))
    assert len(moved(page)) == 1
    assert "compared with" not in page.coverage["metrics"]


def test_a_store_that_is_slow_with_old_samples_holds_up_no_page_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steadyhand.responder.investigation.gather._OLD_WITHIN_S", 0.05)
    page, _ = page_of(tmp_path, timedelta(days=9), slow_with_old=True)
    assert len(moved(page)) == 1
    assert [one for one in page.gaps if one.startswith("this hour 1 d ago is not known whole: prom")], (
        page.gaps
    )
