"""One backend is dead: the page names it and tells what the others know, whichever it is."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from contracts.every_source import SETTINGS, build
from remote_worlds import ENVIRONMENT as AWS_ENVIRONMENT

from steadyhand.journey.evidence.model import Change, LogLine, Page
from steadyhand.journey.topology import Service
from steadyhand.responder.investigation.gather import gather
from steadyhand.testing.sources import MemoryChanges, MemoryLogs
from stories.night import Night

NOWHERE = "http://127.0.0.1:9"


def with_dead(folder: Path, vendor: str) -> tuple[Page, str]:
    """The page of a night whose log and changes are well and one further source is dead; and its name."""

    async def story() -> tuple[Page, str]:
        night = Night(folder)
        incident = night.view(night.alert()).incident
        at = night.clock.now() - timedelta(seconds=30)
        line = LogLine(at=at, service="shop", severity="ERROR", message="no stock", ref="f:1")
        change = Change(id="c-1", service="shop", kind="code", started_at=at)
        alive = {"logs": (MemoryLogs([line]),), "changes": (MemoryChanges([change]),)}
        async with httpx2.AsyncClient(trust_env=False) as client:
            source = build(vendor, NOWHERE, client, "0.1s")
            section, kind = vendor.split(" ")
            if section == "metrics":
                place = "metrics" if kind == "prometheus" else "other_metrics"
            else:
                place = section
            shop = Service(name="shop", metrics=('{job="shop"}',))
            rules = night.rules.model_copy(update={"services": (shop,)})
            sources = alive | {place: (*alive.get(place, ()), source)}
            night.outside = replace(night.outside, rules=rules, **sources)
            return await gather(night.outside, incident), source.name

    return asyncio.run(story())


@pytest.mark.parametrize("vendor", SETTINGS)
def test_the_page_names_the_dead_one_and_goes_on(
    vendor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(key, value)
    page, name = with_dead(tmp_path, vendor)
    named = "prometheus" if vendor == "edges promql" else name
    assert [one for one in page.gaps if named in one], page.gaps
    assert "c1" in {one.id for one in page.items}
    assert page.coverage["logs"].startswith("1 lines read")
