"""Signing in: a PIN, a lock, a cookie nobody can forge, and a token on every form."""

import base64
from datetime import timedelta

import pytest
from web.house import PIN, Browser, House

from steadyhand.web.console.session import COOKIE

pytestmark = pytest.mark.anyio
DEEDS = (
    "/sign-out",
    "/plans/plan-1/decision",
    *(f"/incidents/inc-1/{one}" for one in ("ack", "abort", "close", "choose")),
)
PAGES = (
    "/incidents",
    "/incidents/inc-1",
    "/incidents/inc-1/charts",
    "/incidents/inc-1/report",
    "/incidents/inc-1/report.md",
    "/incidents/inc-1/report.html",
)


async def test_a_person_signs_in_and_sees_the_incidents(house: House) -> None:
    browser = await house.visit()
    assert (await browser.get("/incidents")).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_leads_a_stranger_to_the_door_and_back(house: House, path: str) -> None:
    browser = Browser(house.client())
    answer = await browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?next={path}"
    assert (await browser.sign_in("ana", path=path)).headers["location"] == path


@pytest.mark.parametrize("path", DEEDS)
async def test_a_stranger_can_do_nothing(house: House, path: str) -> None:
    await house.break_shop()
    before = house.view("inc-1").incident
    answer = await Browser(house.client()).post(path)
    assert answer.headers["location"] == "/sign-in"
    assert house.view("inc-1").incident == before


@pytest.mark.parametrize("path", DEEDS)
@pytest.mark.parametrize("token", ["", "0" * 64, "ünfug"])
async def test_a_form_without_the_sessions_token_is_refused(house: House, path: str, token: str) -> None:
    await house.break_shop()
    before = house.view("inc-1").incident
    browser = await house.visit()
    browser.csrf = token
    assert (await browser.post(path, why="x", plan="plan-1")).status_code == 403
    assert house.view("inc-1").incident == before


async def test_another_persons_token_is_no_token(house: House) -> None:
    house.hire("bo")
    ana, other = await house.visit(), await house.visit("bo")
    ana.csrf = other.csrf
    assert (await ana.post("/sign-out")).status_code == 403


async def test_the_sign_in_form_needs_its_token_too(house: House) -> None:
    browser = Browser(house.client())
    assert (await browser.post("/sign-in", name="ana", pin=PIN)).status_code == 403


@pytest.mark.parametrize("path", [*DEEDS, "/alerts/generic", "/changes"])
async def test_nothing_is_ever_done_by_a_get(house: House, path: str) -> None:
    browser = await house.visit()
    assert (await browser.get(path)).status_code == 405


async def test_a_wrong_name_and_a_wrong_pin_are_told_apart_from_nothing(house: House) -> None:
    browser = Browser(house.client())
    wrong_pin = await browser.sign_in("ana", "000000")
    wrong_name = await browser.sign_in("eve", "000000")
    assert wrong_pin.status_code == wrong_name.status_code == 401
    assert wrong_pin.text.replace("ana", "X") == wrong_name.text.replace("eve", "X")


async def test_five_wrong_pins_lock_the_door_for_five_minutes(house: House) -> None:
    browser = Browser(house.client())
    for _ in range(5):
        assert (await browser.sign_in("ana", "000000")).status_code == 401
    assert (await browser.sign_in("ana")).status_code == 401
    await house.clock.advance(minutes=5)
    assert (await browser.sign_in("ana")).status_code == 303


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    browser = Browser(house.client())
    answer = await browser.sign_in("ana")
    words = answer.headers["set-cookie"].lower()
    assert "httponly" in words
    assert "samesite=strict" in words
    assert "max-age=43200" in words


async def test_over_tls_the_cookie_stays_on_tls(house: House) -> None:
    browser = Browser(house.client())
    browser.client.base_url = "https://console.test"
    assert "secure" in (await browser.sign_in("ana")).headers["set-cookie"].lower()


async def test_signing_in_begins_a_new_session(house: House) -> None:
    browser = Browser(house.client())
    await browser.get("/sign-in")
    planted = browser.client.cookies[COOKIE]
    await browser.sign_in("ana")
    assert browser.client.cookies[COOKIE] != planted


async def test_a_session_ends_after_twelve_hours(house: House) -> None:
    browser = await house.visit()
    await house.clock.advance(timedelta(hours=12))
    assert (await browser.get("/incidents")).status_code == 303


async def test_a_new_pin_ends_the_sessions_of_the_old_one(house: House) -> None:
    browser = await house.visit()
    house.hire("ana")
    assert (await browser.get("/incidents")).status_code == 303


async def test_a_changed_cookie_is_no_cookie(house: House) -> None:
    house.hire("bo")
    browser = await house.visit()
    body, _, mark = browser.client.cookies[COOKIE].partition(".")
    other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(body).replace(b'"ana"', b'"bo"')).decode()
    for forged in (f"{other}.{mark}", f"{body}.", body, "", "é.é", f"{body}.{mark[:-1]}0x"):
        async with house.client(headers={"Cookie": f"{COOKIE}={forged}".encode()}) as stranger:
            assert (await stranger.get("/incidents")).status_code == 303


async def test_the_way_back_after_signing_in_is_never_another_site(house: House) -> None:
    for trap in ("https://evil.test", "//evil.test", "/\\evil.test", "javascript:alert(1)"):
        answer = await Browser(house.client()).sign_in("ana", path=trap)
        assert answer.headers["location"] == "/incidents"


async def test_after_signing_out_the_browser_is_a_stranger(house: House) -> None:
    browser = await house.visit()
    assert (await browser.post("/sign-out")).status_code == 303
    assert (await browser.get("/incidents")).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/incidents", "/healthz", "/nowhere", "/static/console.js"])
async def test_every_answer_forbids_inline_script_frames_and_sniffing(house: House, path: str) -> None:
    browser = await house.visit()
    headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert (headers.get("cache-control") == "no-store") is not path.startswith("/static/")


async def test_no_page_holds_a_script_or_a_style_of_its_own(house: House) -> None:
    browser = await house.visit()
    incident = await house.break_shop()
    for path in ("/sign-in", "/incidents", f"/incidents/{incident}", f"/incidents/{incident}/report"):
        text = (await browser.get(path)).text
        assert " style=" not in text
        assert "<style" not in text
        assert text.count("<script") == text.count('<script src="/static/')
        assert " onclick" not in text
