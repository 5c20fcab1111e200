"""What a page shows, what it never runs, and how it stays live without taking a word away."""

import asyncio
import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web.house import Browser, House, alert, bearer

from steadyhand.journey.evidence.model import Series

pytestmark = pytest.mark.anyio
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{ 7*7 }} <!channel>"


def pulse(text: str) -> str:
    found = re.search(r'id="pulse" hx-get="([^"]+)"', text)
    assert found is not None
    return html.unescape(found.group(1))


def swapped(text: str) -> set[str]:
    return set(re.findall(r'hx-swap-oob="innerHTML:#part-(\w+)"', text))


async def test_the_gravest_that_is_open_stands_first_on_the_list(house: House) -> None:
    grave = house.alert("DataLoss")
    lesser = house.alert("Slow", service="cart", severity="warning")
    text = (await (await house.visit()).get("/incidents")).text
    assert 0 < text.index(f"/incidents/{grave}") < text.index(f"/incidents/{lesser}")


async def test_a_page_with_nothing_new_is_sent_nothing(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    address = pulse((await browser.get(f"/incidents/{incident}")).text)
    answer = await browser.client.get(address, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_an_acknowledgement_elsewhere_leaves_the_form_one_types_in_alone(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    address = pulse((await browser.get(f"/incidents/{incident}")).text)
    await browser.post(f"/incidents/{incident}/ack")
    answer = await browser.get(address)
    assert swapped(answer.text) == {"head", "people", "timeline"}
    assert (await browser.get(pulse(answer.text))).status_code == 204


async def test_a_decision_elsewhere_takes_the_question_away(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    browser = await house.visit()
    address = pulse((await browser.get(f"/incidents/{plan.incident}")).text)
    await house.answer(plan)
    answer = await browser.get(address)
    assert "fix" in swapped(answer.text)
    assert "/decision" not in answer.text


async def test_while_a_canary_is_watched_the_abort_button_is_never_redrawn(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    await house.answer(plan)
    await house.start_rollout(plan.incident)
    await house.pass_time(8)
    browser = await house.visit()
    page = await browser.get(f"/incidents/{plan.incident}")
    assert 'hx-trigger="every 1s"' in page.text
    await house.pass_time(1)
    assert swapped((await browser.get(pulse(page.text))).text) == {"rollout"}


async def test_a_rollout_shows_share_arms_interval_and_verdict(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    await house.answer(plan)
    await house.start_rollout(plan.incident)
    await house.pass_time(20)
    text = (await (await house.visit()).get(f"/incidents/{plan.incident}")).text
    assert "5 %" in text
    assert "<polygon" in text
    assert "95 % interval" in text
    assert "Judge: watching</strong>" in text
    assert re.search(r'<span class="gauge">\d+ s</span><span class="unit">until the soak ends', text)
    assert re.search(r'<th scope="row">Fix</th><td>\d+</td>', text)


async def test_a_poll_of_an_ended_session_leads_to_the_door(house: House) -> None:
    incident = await house.break_shop()
    async with house.client(headers={"HX-Request": "true"}) as stranger:
        answer = await stranger.get(f"/incidents/{incident}/live")
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in"


async def test_hostile_words_are_shown_and_never_run(house: House) -> None:
    incident = await house.break_shop(HOSTILE)
    browser = await house.visit()
    for path in (
        "/incidents",
        f"/incidents/{incident}",
        f"/incidents/{incident}/report",
        f"/incidents/{incident}/report.html",
    ):
        text = (await browser.get(path)).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert html.escape("<script>alert(1)</script>") in text
        assert "49 &lt;!channel&gt;" not in text


async def test_hostile_words_are_shown_where_a_person_typed_them(house: House) -> None:
    plan = house.view(await house.break_shop()).plan
    assert plan is not None
    browser = await house.visit()
    answer = await browser.answer(plan.id, "0" * 64, reason=f"</textarea>{HOSTILE}")
    assert "</textarea><script>" not in answer.text
    failed = await browser.sign_in(f'"><script>{HOSTILE}', "000000")
    assert "<script>alert" not in failed.text


async def test_the_evidence_is_told_in_the_order_it_began(house: House) -> None:
    incident = await house.break_shop()
    page = house.view(incident).page
    assert page is not None
    text = (await (await house.visit()).get(f"/incidents/{incident}")).text
    shown = re.findall(r'<li id="e-(\w+)"', text)
    assert tuple(shown[: len(page.order)]) == page.order
    assert set(shown) == {one.id for one in page.items}


async def test_every_id_a_hypothesis_cites_can_be_followed(house: House) -> None:
    incident = await house.break_shop()
    text = (await (await house.visit()).get(f"/incidents/{incident}")).text
    cited = set(re.findall(r'href="#e-(\w+)"', text))
    assert cited
    assert cited <= set(re.findall(r'id="e-(\w+)"', text))


async def test_an_uncalibrated_confidence_is_called_so(house: House) -> None:
    incident = await house.break_shop()
    text = (await (await house.visit()).get(f"/incidents/{incident}")).text
    assert "<strong>uncalibrated</strong>" in text


async def test_the_charts_have_points_and_an_onset(house: House) -> None:
    incident = await house.break_shop()
    charts = (await (await house.visit()).get(f"/incidents/{incident}/charts")).json()["charts"]
    assert charts
    assert all(len(one["times"]) == len(one["values"]) > 10 for one in charts)
    assert any(one["onset"] for one in charts)


async def test_the_report_can_be_kept_as_markdown_and_as_one_html_file(house: House) -> None:
    incident = await house.break_shop()
    browser = await house.visit()
    text = await browser.get(f"/incidents/{incident}/report.md")
    assert text.headers["content-disposition"] == f'attachment; filename="{incident}.md"'
    assert text.text.startswith("# SEV2 shop: ")
    file = await browser.get(f"/incidents/{incident}/report.html")
    assert file.headers["content-disposition"] == f'attachment; filename="{incident}.html"'
    assert "/static/" not in file.text


async def test_the_list_says_who_has_it_and_is_calm_when_there_is_nothing(house: House) -> None:
    browser = await house.visit()
    assert "No incident so far" in (await browser.get("/incidents")).text
    await house.break_shop()
    assert "nobody has it" in (await browser.get("/incidents")).text
    await browser.post("/incidents/inc-1/ack")
    assert "ana has it" in (await browser.get("/incidents")).text


async def test_a_missing_page_is_a_page_and_a_missing_machine_door_is_json(house: House) -> None:
    browser = await house.visit()
    assert "inc-99" in (await browser.get("/incidents/inc-99")).text
    assert (await browser.get("/api/nowhere")).json() == {"error": "Not Found"}


async def test_a_page_whose_service_has_no_evidence_yet_is_whole(house: House) -> None:
    incident = house.alert()
    text = (await (await house.visit()).get(f"/incidents/{incident}")).text
    assert "Reading logs, metrics, changes and databases" in text


async def test_everything_the_pages_load_is_there_and_from_here(house: House) -> None:
    browser = await house.visit()
    text = (await browser.get("/incidents")).text
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert len(loaded) >= 5
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    for path in loaded:
        assert (await browser.get(path)).status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["title", "service", "version", "alerts", "id", "kind", "started_at", "labels", "digest", "answer"]
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One house for all examples of a property."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    house = House(folder)
    house.hire()
    return house


@settings(max_examples=80, deadline=None)
@given(
    path=st.sampled_from(["/alerts/generic", "/alerts/alertmanager", "/changes"]),
    body=st.binary(max_size=200) | st.text(max_size=80).map(str.encode),
)
def test_garbage_at_a_machine_door_is_refused_and_never_an_error(
    lasting: House, path: str, body: bytes
) -> None:
    assert _send(lasting, path, content=body) in (400, 415)


@settings(max_examples=80, deadline=None)
@given(
    path=st.sampled_from(["/alerts/generic", "/alerts/alertmanager", "/changes"]),
    body=st.dictionaries(FIELDS, JSON, max_size=6),
)
def test_json_of_the_wrong_shape_is_never_an_error(
    lasting: House, path: str, body: dict[str, object]
) -> None:
    assert _send(lasting, path, json=_finite(body)) < 500


@settings(max_examples=40, deadline=None)
@given(
    fields=st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=5), name=st.text(max_size=30)
)
def test_a_form_of_any_words_is_never_an_error(lasting: House, fields: dict[str, str], name: str) -> None:
    async def story() -> list[int]:
        browser = Browser(lasting.client())
        await browser.get("/sign-in")
        told = [(await browser.post("/sign-in", **{**fields, "name": name, "pin": "x"})).status_code]
        told.append((await browser.client.post("/sign-in", content=name.encode())).status_code)
        return told

    assert asyncio.run(story()) == [401, 403]


def test_very_deep_json_is_refused(lasting: House) -> None:
    for path in ("/alerts/generic", "/changes"):
        deep = b'{"labels":' * 50_000
        assert _send(lasting, path, content=deep, headers={"Content-Type": "application/json"}) == 400


def _send(house: House, path: str, **body: object) -> int:
    async def story() -> int:
        headers = {**bearer("ingest-token-of-tests"), **body.pop("headers", {})}
        async with house.client(headers=headers) as machine:
            return (await machine.post(path, **body)).status_code

    return asyncio.run(story())


def _finite(value: object) -> object:
    """JSON as a client would send it: NaN and infinity have no spelling there."""
    if isinstance(value, float):
        return value if abs(value) < 1e300 else 0.0
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


async def test_an_alert_repeated_by_its_sender_opens_one_incident(house: House) -> None:
    async with house.client(headers=bearer("ingest-token-of-tests")) as machine:
        for _ in range(3):
            answer = await machine.post("/alerts/generic", json=alert())
            assert answer.json()["incidents"] == ["inc-1"]
    assert len(house.incidents()) == 1


async def test_the_evidence_shows_what_surely_came_first_and_which_data_is_in_doubt(house: House) -> None:
    times = tuple((house.start + timedelta(seconds=one)).timestamp() for one in range(-600, 0, 5))
    clock = Series(
        name="node_time_seconds",
        labels={"job": "shop", "instance": "h1 <b>"},
        times=times,
        values=tuple(one + 90 for one in times),
    )
    house.users.held = (*house.users.held, clock)
    incident = await house.break_shop()
    text = (await (await house.visit()).get(f"/incidents/{incident}")).text
    page = house.view(incident).page
    assert page is not None
    assert len(page.sequence) > 1
    (order,) = re.findall(r'<p class="h-evidence order">.*?</p>', text, re.DOTALL)
    steps = [re.findall(r'href="#e-(\w+)"', one) for one in order.partition("No place")[0].split("→")]
    assert steps[: len(page.sequence)] == [list(one) for one in page.sequence]
    assert "Data in doubt:" in text
    assert "the clock of h1 &lt;b&gt; is 90 s ahead of that of the metrics" in text
    assert "±1 s" in text


async def test_forecasts_and_what_goes_with_the_pain_are_told_beside_the_items(house: House) -> None:
    times = tuple((house.start + timedelta(seconds=one)).timestamp() for one in range(-600, 0, 5))
    labels = {"job": "shop", "instance": "h1"}
    used = Series(
        name="memory_used_bytes",
        labels=labels,
        times=times,
        values=tuple(9e8 + (one - times[0]) * 5e4 for one in times),
    )
    limit = used.model_copy(update={"name": "memory_max_bytes", "values": tuple(1e9 for _ in times)})
    house.users.held = (*house.users.held, used, limit)
    incident = await house.break_shop()
    text = (await (await house.visit()).get(f"/incidents/{incident}")).text
    (told,) = re.findall(r"<strong>Forecasts, the soonest first:</strong>.*?</div>", text, re.DOTALL)
    assert re.search(r"93 % of the limit, \+0\.3 %/min, limit in \d+ min", told)
    assert "before failed share of shop_requests_total]" in text
