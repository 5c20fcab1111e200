"""The page of who is on call, its calendar files, and the forms by which an incident changes hands."""

from datetime import timedelta

import icalendar
import pytest
from web.house import House

pytestmark = pytest.mark.anyio
HOSTILE = "<b>zed</b>"


def staff(house: House, hours: list[dict[str, str]] | None = None) -> None:
    """Ana and bo by the day, in Berlin; in these hours only."""
    layer = {"people": ["ana", "bo"], "starts": "2026-01-05T09:00", "shift": "1d", "hours": hours or []}
    given = {
        "people": [
            {"name": one, "contacts": [{"type": "phone", "user": one}]} for one in ("ana", "bo", HOSTILE)
        ],
        "schedules": [{"name": "primary", "time_zone": "Europe/Berlin", "layers": [layer]}],
        "escalation": {"tiers": [{"name": "first", "contacts": [{"schedule": "primary"}]}], "repeat": 0},
    }
    house.rules = house.rules.model_validate(house.rules.model_dump(exclude={"escalation"}) | given)
    house.restart()


async def test_the_page_says_who_is_on_call_and_who_is_told_next(house: House) -> None:
    staff(house)
    text = (await (await house.visit()).get("/on-call")).text
    assert 'id="s-primary">bo' in text
    assert "until Sat 2026-01-31 09:00 CET, then" in text
    assert text.count("<rect ") == 15  # two weeks by the day, from three in the morning
    assert "Nobody is on call" not in text
    assert "then nobody: it does not escalate by itself" in text


async def test_a_gap_is_told_in_words_and_not_by_colour_alone(house: House) -> None:
    staff(house, [{"starts": "08:00", "ends": "20:00"}])
    text = (await (await house.visit()).get("/on-call")).text
    assert "! Nobody" in text
    assert "<li>Sat 2026-01-31 03:00 CET to Sat 2026-01-31 08:00 CET</li>" in text
    assert "more gaps in these two weeks" in text


async def test_without_a_schedule_the_page_still_shows_the_ladders(house: House) -> None:
    text = (await (await house.visit()).get("/on-call")).text
    assert "No schedule is configured" in text
    assert "at once" in text


async def test_a_calendar_file_holds_a_year_and_only_for_people(house: House) -> None:
    staff(house)
    async with house.client() as stranger:
        assert (await stranger.get("/on-call/primary.ics")).status_code == 303
        assert (await stranger.get("/on-call")).headers["location"] == "/sign-in?next=/on-call"
    browser = await house.visit()
    answer = await browser.get("/on-call/primary.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    assert len(icalendar.Calendar.from_ical(answer.content).walk("VEVENT")) == 366
    assert (await browser.get("/on-call/other.ics")).status_code == 404


async def test_an_incident_is_put_off_on_its_page(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    answer = await browser.post(f"/incidents/{incident}/snooze", span="2h")
    assert answer.headers["location"] == f"/incidents/{incident}"
    assert house.view(incident).incident.quiet_until == house.clock.now() + timedelta(hours=2)
    assert "put it off" in (await browser.get(f"/incidents/{incident}")).text


@pytest.mark.parametrize("span", ["", "soon", "48h"])
async def test_a_span_that_is_none_is_refused_on_the_page(house: House, span: str) -> None:
    incident = await house.break_shop()
    answer = await (await house.visit()).post(f"/incidents/{incident}/snooze", span=span)
    assert (answer.status_code, "Not done:" in answer.text) == (409, True)


async def test_an_incident_is_given_to_somebody_the_page_offers(house: House) -> None:
    staff(house)
    incident = await house.break_shop()
    browser = await house.visit()
    text = (await browser.get(f"/incidents/{incident}")).text
    assert "<option>bo</option>" in text
    assert HOSTILE not in text
    await browser.post(f"/incidents/{incident}/reassign", to="bo")
    assert [one.who for one in house.view(incident).incident.called] == ["bo"]
    refused = await browser.post(f"/incidents/{incident}/reassign", to="nobody")
    assert refused.status_code == 409


async def test_an_approver_asks_another_one_on_the_page(house: House) -> None:
    house.hire("cy")
    house.hire("eve", role="viewer")
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    browser = await house.visit()
    text = (await browser.get(f"/incidents/{plan.incident}")).text
    asked = text.partition(f'action="/plans/{plan.id}/delegate"')[2].partition("</form>")[0]
    assert "<option>cy</option>" in asked
    assert "eve" not in asked
    assert "ana" not in asked
    await browser.post(f"/plans/{plan.id}/delegate", to="cy")
    assert "cy was asked to answer this." in (await browser.get(f"/incidents/{plan.incident}")).text
    refused = await browser.post(f"/plans/{plan.id}/delegate", to="eve")
    assert refused.status_code == 409
    assert (await browser.post("/plans/none/delegate", to="cy")).status_code == 404
