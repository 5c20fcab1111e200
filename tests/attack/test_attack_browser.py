"""A page on another site, a name server that lies, a hostile address: none gets past the doors."""

from urllib.parse import quote

import pytest
from web.house import INGEST, MCP, House, alert, basic, bearer

pytestmark = pytest.mark.anyio
ELSEWHERE = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.test/"}
KINDS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "")
ADDRESSES = (
    "/static/../server.py",
    "/static/%2e%2e/app.py",
    "/static/..%2f..%2fapp.py",
    "/static//etc/passwd",
    "/static/vendor/",
    "/incidents/..%2f..%2fetc%2fpasswd",
    "/incidents/%7b%7b7*7%7d%7d",
    "/incidents/%00",
    "/incidents/inc-1'%20or%201=1--",
    "/incidents/%7b%7b7*7%7d%7d/report.html",
    "/incidents/..%2f..%2fx/report.md",
)


async def _asked(house: House) -> tuple[str, str, str]:
    view = house.view(await house.break_shop())
    assert view.plan is not None
    return view.incident.id, view.plan.id, view.digest


async def test_no_form_of_another_site_does_anything_even_with_the_persons_cookie(house: House) -> None:
    incident, plan, digest = await _asked(house)
    browser = await house.visit()
    for path in (f"/plans/{plan}/decision", *(f"/incidents/{incident}/{x}" for x in ("ack", "abort"))):
        for kind in KINDS:
            body = f"digest={digest}&answer=approve&csrf="
            answer = await browser.client.post(
                path, content=body, headers={**ELSEWHERE, "Content-Type": kind}
            )
            assert answer.status_code in (400, 403), (path, kind, answer.status_code)
    assert house.view(incident).decision is None


async def test_no_cookie_opens_the_terminals_door_and_no_form_can_speak_its_json(house: House) -> None:
    incident, plan, digest = await _asked(house)
    browser = await house.visit()
    body = f'{{"digest": "{digest}", "answer": "approve"}}'
    path = f"/api/plans/{plan}/decision"
    json = {"Content-Type": "application/json"}
    assert (await browser.client.post(path, content=body, headers=json)).status_code == 401
    for kind in KINDS:
        headers = {**basic(), "Content-Type": kind}
        assert (await browser.client.post(path, content=body, headers=headers)).status_code == 415
    assert house.view(incident).decision is None


async def test_no_other_site_is_ever_allowed_to_read_or_to_send_headers(house: House) -> None:
    browser = await house.visit()
    for path in ("/incidents", "/api/incidents", "/alerts/generic", "/sign-in", "/healthz"):
        for method in ("OPTIONS", "GET"):
            answer = await browser.client.request(method, path, headers=ELSEWHERE)
            assert not [one for one in answer.headers if one.startswith("access-control-")]


async def test_a_method_written_into_a_form_is_not_obeyed(house: House) -> None:
    incident, plan, digest = await _asked(house)
    browser = await house.visit()
    query = f"digest={digest}&answer=approve&csrf={browser.csrf}&_method=POST"
    override = {"X-HTTP-Method-Override": "POST"}
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = await browser.client.request(method, f"/plans/{plan}/decision?{query}", headers=override)
        assert answer.status_code == 405
    assert house.view(incident).decision is None


@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_hostile_address_finds_nothing_and_breaks_nothing(house: House, path: str) -> None:
    browser = await house.visit()
    answer = await browser.get(path)
    assert answer.status_code in (400, 404), answer.text
    assert "root:" not in answer.text
    assert "49" not in answer.text
    assert "import " not in answer.text


@pytest.mark.parametrize("wanted", ["../plans", "{{7*7}}", "\x00", "plan-1'--", "x" * 5000])
async def test_a_hostile_id_in_a_form_is_refused(house: House, wanted: str) -> None:
    incident, _, digest = await _asked(house)
    browser = await house.visit()
    answers = [
        await browser.post(f"/incidents/{incident}/choose", plan=wanted),
        await browser.post(f"/plans/{quote(wanted, safe='')}/decision", digest=digest),
    ]
    assert {one.status_code for one in answers} <= {404, 405}


async def test_a_viewer_may_stop_and_tell_but_put_no_fix_into_production(house: House) -> None:
    incident, plan, digest = await _asked(house)
    viewer = await house.visit("vic")
    assert (await viewer.answer(plan, digest)).status_code == 409
    async with house.client(headers=basic("vic")) as terminal:
        told = await terminal.post(
            f"/api/plans/{plan}/decision", json={"digest": digest, "answer": "approve"}
        )
        forged = await terminal.post(
            f"/api/plans/{plan}/decision",
            json={"digest": digest, "answer": "approve", "by": "ana", "role": "approver"},
        )
    assert (told.status_code, forged.status_code) == (409, 400)
    assert (await viewer.post(f"/incidents/{incident}/ack")).status_code == 303
    await house.pass_time(3)
    assert "rollout.started" not in house.actions(incident)


@pytest.mark.parametrize("door", ["/incidents", "/api/incidents", "/api/plans/plan-1/decision"])
async def test_the_machines_tokens_open_no_persons_door(house: House, door: str) -> None:
    for token in (INGEST, MCP):
        async with house.client(headers=bearer(token)) as machine:
            for method in ("GET", "POST"):
                answer = await machine.request(method, door, json={} if method == "POST" else None)
                assert answer.status_code in (303, 401, 405)


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:8321", "127.0.0.1.evil.test", "[bad", "", "localhost."]
)
@pytest.mark.parametrize("door", ["/sign-in", "/incidents", "/api/incidents", "/static/console.js"])
async def test_under_a_name_nobody_gave_the_service_no_persons_door_opens(
    house: House, host: str, door: str
) -> None:
    async with house.client(headers={"Host": host, **basic()}) as rebound:
        assert (await rebound.get(door)).status_code == 421
        assert (await rebound.post("/sign-in", data={"name": "ana", "pin": "000000"})).status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8321", "localhost:8321", "[::1]:8321", "192.0.2.7", "console.test"]
)
async def test_an_address_and_a_given_name_lead_to_the_door(house: House, host: str) -> None:
    async with house.client(headers={"Host": host}) as browser:
        assert (await browser.get("/sign-in")).status_code == 200


async def test_an_alert_is_taken_under_whatever_name_its_sender_knows(house: House) -> None:
    headers = {"Host": "steadyhand.monitoring.svc", **bearer(INGEST)}
    async with house.client(headers=headers) as machine:
        assert (await machine.post("/alerts/generic", json=alert())).status_code == 202
        assert (await machine.get("/healthz")).status_code == 200
