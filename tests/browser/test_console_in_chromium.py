"""The console as a person meets it, in a real browser."""

import pytest
from browser.live_site import Site
from browser.webdriver import Chrome
from web.house import PIN

pytestmark = pytest.mark.browser
NAMELESS = """
const all = (css) => [...document.querySelectorAll(css)];
return [
  ...all("input:not([type=hidden]), textarea").filter((one) => !one.labels.length),
  ...all("img").filter((one) => !one.hasAttribute("alt")),
  ...all("svg, .chart > div").filter((one) => !one.getAttribute("aria-label")),
].map((one) => one.outerHTML);
"""
HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"


def sign_in(browser: Chrome, site: Site, name: str = "ana") -> None:
    browser.open(f"{site.address}/sign-in")
    browser.type("#name", name)
    browser.type("#pin", PIN)
    browser.click("button.yes")
    browser.wait(lambda: browser.address.endswith("/incidents"), "signed in")


def open_incident(browser: Chrome, site: Site, title: str = "5xx above 2 % of answers") -> str:
    incident = site.do(site.house.break_shop(title))
    sign_in(browser, site)
    browser.open(f"{site.address}/incidents/{incident}")
    return incident


def decision(site: Site, incident: str) -> str:
    made = site.house.view(incident).decision
    return f"{made.answer}: {made.reason}" if made else ""


def test_an_incident_appears_in_the_list_by_itself_and_opens(browser: Chrome, site: Site) -> None:
    sign_in(browser, site)
    browser.wait_for("No incident so far")
    site.do(site.house.break_shop())
    browser.wait_for("Waiting for a yes or no")
    browser.click(".row-link")
    browser.wait_for("Roll shop back from 1.1 to 1.0", "#part-fix")


def test_a_wrong_pin_is_told_and_the_name_is_kept(browser: Chrome, site: Site) -> None:
    browser.open(f"{site.address}/sign-in")
    browser.type("#name", "ana")
    browser.type("#pin", "000000")
    browser.click("button.yes")
    browser.wait_for("Wrong name or pin")
    assert browser.run("return document.querySelector('#name').value") == "ana"


def test_a_rejection_is_not_sent_without_a_reason(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    browser.click("button.no")
    assert browser.run("return document.querySelector('textarea').validity.valueMissing") is True
    assert decision(site, incident) == ""
    browser.type("textarea", "the migration cannot go back")
    browser.click("button.no")
    browser.wait_for("Needs a human", "#part-head")
    assert decision(site, incident) == "reject: the migration cannot go back"


def test_a_yes_is_followed_live_to_the_end_without_a_reload(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    browser.click("button.huge")
    browser.wait_for("The fix is on its way", "#part-head")
    browser.run("window.sameDocument = true")
    site.do(site.house.start_rollout(incident))
    site.pass_time(12)
    browser.wait_for("Watching the canary", "#part-rollout")
    browser.wait(
        lambda: browser.run("return document.querySelector('svg.interval') !== null"), "interval drawn"
    )
    site.pass_time(40)
    browser.wait_for("Resolved", "#part-head")
    assert browser.run("return window.sameDocument") is True
    browser.wait(lambda: "SEV2 shop: resolved" in browser.run("return document.title"), "the new title")
    assert decision(site, incident) == "approve: "


def test_an_abort_is_one_click_wherever_one_has_scrolled(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    browser.click("button.huge")
    browser.wait_for("The fix is on its way", "#part-head")
    site.do(site.house.start_rollout(incident))
    site.pass_time(3)
    for width in (1280, 360):
        browser.size(width, 740)
        browser.wait_for("Abort", "#part-abort")
        for place in ("0", "document.body.scrollHeight"):
            browser.run(f"window.scrollTo(0, {place})")
            assert browser.run(
                "const box = document.querySelector('.abort button').getBoundingClientRect();"
                "return box.top >= 0 && box.bottom <= innerHeight && box.height >= 44"
            )
    browser.click(".abort button")
    browser.wait_for("Bringing all traffic back", "#part-rollout")
    site.pass_time(2)
    browser.wait_for("Taken back", "#part-rollout")


def test_what_one_types_and_where_one_looks_survive_live_changes(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    browser.type("textarea", "half a sent")
    place = browser.run("return window.scrollY")
    site.do(acknowledge(site, incident))
    site.do(site.house.turn())
    browser.wait_for("bo has it", "#part-head")
    assert browser.run("return document.querySelector('textarea').value") == "half a sent"
    assert browser.run("return document.activeElement.tagName") == "TEXTAREA"
    assert abs(browser.run("return window.scrollY") - place) < 60


async def acknowledge(site: Site, incident: str) -> None:
    site.house.hire("bo")
    other = await site.house.visit("bo")
    await other.post(f"/incidents/{incident}/ack")


def test_a_second_approver_sees_the_first_ones_answer_arrive(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    plan = site.house.view(incident).plan
    assert plan is not None
    browser.type("textarea", "I was about to say no")
    site.do(site.house.answer(plan))
    browser.wait_for("ana approved this", "#part-fix")
    assert browser.run("return document.querySelector('button.huge')") is None


def test_every_chart_is_drawn_and_the_browser_complains_of_nothing(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    page = site.house.view(incident).page
    assert page is not None
    browser.wait(
        lambda: browser.run("return document.querySelectorAll('.chart canvas').length") == len(page.charts),
        "a canvas for each chart",
    )
    browser.open(f"{site.address}/incidents/{incident}/report")
    assert [one["message"] for one in browser.logs() if one["level"] == "SEVERE"] == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_scrolls_sideways(browser: Chrome, site: Site, width: int) -> None:
    incident = open_incident(browser, site, "a-very-long-alert-name-" + "without_any_place_to_break_" * 5)
    browser.size(width, 740)
    for path in (
        "/sign-in",
        "/incidents",
        f"/incidents/{incident}",
        f"/incidents/{incident}/report",
        "/on-call",
        "/silences",
        "/nowhere",
    ):
        browser.open(site.address + path)
        beyond = browser.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert beyond <= 0, path


def test_on_a_phone_the_answer_is_a_thumb_wide(browser: Chrome, site: Site) -> None:
    browser.size(360, 740)
    open_incident(browser, site)
    small = browser.run(
        "return [...document.querySelectorAll('main button')].filter(one => one.offsetParent)"
        ".filter(one => one.getBoundingClientRect().height < 44).map(one => one.textContent)"
    )
    assert small == []


def test_on_a_phone_every_page_is_a_tap_away(browser: Chrome, site: Site) -> None:
    browser.size(360, 740)
    open_incident(browser, site)
    shown = browser.run(
        "return [...document.querySelectorAll('.bar nav > a')].filter(one => one.offsetParent)"
        ".map(one => one.textContent)"
    )
    assert shown == ["Incidents", "On call", "Silences"]


def test_hostile_words_never_run(browser: Chrome, site: Site) -> None:
    open_incident(browser, site, HOSTILE)
    browser.wait_for(HOSTILE, "h1")
    assert browser.run("return window.hacked === undefined") is True


def test_a_silent_service_is_said_and_a_voice_again_takes_it_back(browser: Chrome, site: Site) -> None:
    open_incident(browser, site)
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    hidden = "return document.querySelector('#stale').hidden"
    browser.devtools("Network.enable", {})
    browser.devtools("Network.emulateNetworkConditions", {"offline": True, **network})
    browser.wait(lambda: browser.run(hidden) is False, "the banner is shown")
    assert "as of" in browser.text("#stale")
    browser.devtools("Network.emulateNetworkConditions", {"offline": False, **network})
    browser.wait(lambda: browser.run(hidden) is True, "the banner is gone")


def test_without_javascript_one_can_still_sign_in_and_say_yes(browser: Chrome, site: Site) -> None:
    incident = site.do(site.house.break_shop())
    browser.devtools("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        sign_in(browser, site)
        browser.open(f"{site.address}/incidents/{incident}")
        assert "The charts need JavaScript" in browser.text()
        browser.click("button.huge")
        browser.wait_for("The fix is on its way")
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", {"value": False})
    assert decision(site, incident) == "approve: "


def test_every_field_has_a_label_and_every_picture_its_words(browser: Chrome, site: Site) -> None:
    incident = open_incident(browser, site)
    for path in ("/sign-in", f"/incidents/{incident}"):
        browser.open(site.address + path)
        assert browser.run(NAMELESS) == []


def test_a_silence_is_set_and_ended_by_its_form_and_every_field_has_a_name(
    browser: Chrome, site: Site
) -> None:
    sign_in(browser, site)
    browser.open(f"{site.address}/silences")
    assert browser.run(NAMELESS) == []
    browser.type("#what", "service=shop")
    browser.type("#reason", "a migration")
    browser.click("form.card button")
    browser.wait_for("Quiet now")
    browser.click("section.card button")
    browser.wait_for("every new alert pages")
    assert browser.logs() == []
