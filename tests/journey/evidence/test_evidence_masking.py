"""No secret planted anywhere in the input reaches the page or the digest."""

import re
import string

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from little_world import TOPOLOGY, at, log_line, window

from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.masking import Masker, quoted
from steadyhand.journey.evidence.model import Change, DatabaseReport, Page, Scan, Series, Session
from steadyhand.journey.evidence.page import assemble
from steadyhand.journey.evidence.secret_forms import SECRET_FORMS, may_hold_secret

_LETTERS = string.ascii_letters + string.digits
SECRETS = st.text(_LETTERS, min_size=16, max_size=24).filter(lambda one: any(c.isdigit() for c in one))
FORMS = (
    "password={}",
    "user=kim pwd: '{}'",
    '{{"api_key": "{}"}}',
    "Authorization: Bearer {}",
    "postgres://kim:{}@db.internal:5432/till",
    "client_secret => {}",
    "set-cookie: {}; path=/",
    "access-key={}&region=eu",
    "write to {}@example.org now",
    "sk-{}",
    "-----BEGIN RSA PRIVATE KEY----- {}",
)


@given(secret=SECRETS, form=st.sampled_from(FORMS), before=st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_a_secret_in_any_known_form_never_survives(secret: str, form: str, before: str) -> None:
    assume(secret not in before)
    assert secret not in Masker().text(f"{before} {form.format(secret)}", 400)


@given(secret=SECRETS, form=st.sampled_from(FORMS), pad=st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_cutting_never_leaves_half_a_secret(secret: str, form: str, pad: int) -> None:
    shown = Masker().text("." * pad + " " + form.format(secret), 160)
    assert secret[:12] not in shown


@given(secret=SECRETS, form=st.sampled_from(FORMS))
@settings(max_examples=40, deadline=None)
def test_no_field_of_any_source_leaks(secret: str, form: str) -> None:
    page = _page_full_of(form.format(secret))
    assert len({one.kind for one in page.items}) == 5
    assert secret not in page.model_dump_json()
    assert secret not in render(page)


def _page_full_of(planted: str) -> Page:
    times = tuple(at(second).timestamp() for second in range(120))
    return assemble(
        incident="i1",
        service="till",
        window=window(0, 120),
        baseline=window(0, 60),
        topology=TOPOLOGY,
        lines=[log_line(80, f"failed {planted}", "ERROR", error=planted, status=planted)],
        series=[
            Series(
                name="till_pool_waiting",
                labels={"job": "till", "tenant": planted, "target": planted},
                times=times,
                values=tuple(0.0 if second < 80 else 500.0 for second in range(120)),
            )
        ],
        changes=[
            Change(
                id=planted[:100],
                service="till",
                kind="migration",
                version=planted,
                previous=planted,
                author=planted,
                summary=planted,
                diff=planted,
                started_at=at(70),
            )
        ],
        databases=[_report_full_of(planted)],
        gaps=(planted,),
    )


def _report_full_of(planted: str) -> DatabaseReport:
    return DatabaseReport(
        database="ledger",
        at=at(110),
        sessions=(
            Session(pid=1, application=planted, state="active", query=planted),
            Session(pid=2, application=planted, state="active", query=planted, blocked_by=(1,), state_s=9),
            Session(pid=3, application=planted, state="idle in transaction", state_s=60, query=planted),
        ),
        max_connections=4,
        scans=(Scan(table=planted, columns=(planted,), rows=10**6, query=planted),),
        gaps=(planted,),
    )


def test_one_secret_has_one_placeholder_wherever_it_appears() -> None:
    masker = Masker()
    first = masker.text("mail from kim@example.org", 100)
    other = masker.text("mail from lee@example.org", 100)
    again = masker.text("kim@example.org again", 100)
    assert (first, other, again) == ("mail from <email-a>", "mail from <email-b>", "<email-a> again")


def test_a_secret_once_recognised_is_masked_where_nothing_marks_it() -> None:
    masker = Masker()
    assert masker.text("token=q7w8e9r0t1", 100) == "token=<secret-a>"
    assert masker.text("retry with q7w8e9r0t1", 100) == "retry with <secret-a>"


def test_a_payment_card_is_masked_and_a_plain_long_number_is_not() -> None:
    assert Masker().text("card 4111 1111 1111 1111 declined", 100) == "card <card-a> declined"
    assert Masker().text("took 1795303417677613 ns", 100) == "took 1795303417677613 ns"


_KEY = "-----BEGIN EC PRIVATE KEY-----{0}MHcc4n4ry1{0}Ac4n4ry2=={0}-----END EC PRIVATE KEY-----"
DISGUISED = {
    "key": _KEY.format("\n"),
    "key in JSON": _KEY.format(r"\n"),
    "key in a diff": _KEY.format("\n+"),
    "key cut short": _KEY.format("\n")[:60],
    "cookie header": "Cookie: theme=dark; sid=c4n4ry1",
    "cookie in quotes": 'Cookie: sid="c4n4ry1"; auth=c4n4ry2',
    "cookie in JSON": '{"cookie": "sid=c4n4ry1; auth=c4n4ry2"}',
    "cookie in JSON in JSON": r"{\"cookie\": \"sid=c4n4ry1; auth=c4n4ry2\"}",
    "cookies of a framework": "cookies={'sid': 'c4n4ry1', 'auth': 'c4n4ry2'}",
    "cookies as a list": '"Set-Cookie":["sid=c4n4ry1; Path=/"]',
    "cookie of curl": "curl -b 'sid=c4n4ry1' https://shop",
    "session": "PHPSESSID=c4n4ry1; connect.sid=s%3Ac4n4ry2",
    "JWT after a line break in JSON": r"{\"at\": \"x\neyJhbGciOiJIUzI1.eyJc4n4ry.c4n4ry\"}",
    "JWE": "eyJhbGciOiJSU0EifQ.c4n4ryA.c4n4ryB.c4n4ryC.c4n4ryD",
    "authorization of another scheme": "Authorization: ApiKey c4n4ryTok7",
    "account key": "AccountName=shop;AccountKey=c4n4ry+/ab/cd+ef==;EndpointSuffix=core",
    "signed URL": "https://blob/c?sv=2022&sig=c4n4ry%2Babc%3D&se=1",
    "Google": "ya29.a0c4n4ryAbC-x_y and GOCSPX-c4n4ryc4n4ry",
    "Slack hook": "https://hooks.slack.com/services/T0/B0/c4n4ry",
    "password with @": "postgres://shop:p@c4n4ry@word@db/x",
    "password with @ and /": "postgres://shop:p@c4n4ry/c4n4ry@db/x",
    "password with a quote": "postgres://shop:p'c4n4ry@db/x",
    "user with @": "amqp://kim@corp:c4n4ry@mq/",
    "password of a Go driver": "shop:c4n4ry@tcp(db:3306)/x",
    "password of Oracle": "jdbc:oracle:thin:shop/c4n4ry@db:1521/x",
    "password in braces": "Uid=sa;Pwd={c4n;4ry c4n4ry};Database=x",
    "password with an escaped quote": r"password='c\'4n c4n4ry' dbname=x",
    "password in JSON in JSON": r"{\"password\":\"c4n 4ry c4n4ry\"}",
    "password in XML": "<db.password>c4n4ry</db.password>",
    "password in SQL": "alter role shop password 'c4n4ry'",
    "password of a new user": "CREATE USER x IDENTIFIED BY 'c4n4ry'",
    "password of a command": "mysql -u root -pc4n4ry shop; curl -s -u kim:c4n4ry https://x",
    "e-mail address in a URL": "/users?mail=c4n4ry%40example.com&u=mailto:c4n4ry@example.com",
}


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED)
def test_each_form_of_a_secret_is_hidden(text: str) -> None:
    assert "c4n4ry" not in Masker().prose(text, 400)


@pytest.mark.parametrize(
    "text",
    [
        "http://203.0.113.77:8080/x",
        "http://kim@203.0.113.77/x",
        "http://[2001:db8::c4:9]:8080/x",
        "?back=http%3A%2F%2F203.0.113.77%2F&ip=203.0.113.77",
    ],
)
def test_an_address_in_a_url_is_hidden(text: str) -> None:
    shown = Masker().text(text, 200)
    assert "203.0.113.77" not in shown
    assert "2001:db8" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "GET http://shop:8080/orders?at=12 from http://cart:80/x",
        "pulled registry:5000/img, read cookies, then left",
        "image http://registry:5000/img@next is there",
        "mysql -h db shop; curl -s https://shop/x",
        "password is wrong; identified by name",
        "agent Chrome/120.0.0.0",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert Masker().text(text, 200) == text


def test_literals_of_a_statement_are_personal_data() -> None:
    shown = Masker().query("SELECT id FROM people WHERE name = 'O''Hara' AND age > 30", 200)
    assert shown == "SELECT id FROM people WHERE name = '?' AND age > 30"


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "status=500 after 3.00 sec",
        "relation 16405 of database 16384",
        "authorization is required",
        "too many tokens left: 5",
    ],
)
def test_what_an_engineer_needs_stays_readable(text: str) -> None:
    assert Masker().text(text, 200) == text


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_untrusted_text_stays_on_one_line_within_its_limit_and_inside_its_quotes(text: str) -> None:
    shown = Masker().text(text, 80)
    assert len(shown) <= 80
    assert shown.isprintable() or not any(one in shown for one in "\n\r\x1b\u202e\u2028")
    assert quoted(shown).count('"') == 2


def test_a_number_that_is_part_of_a_name_is_no_payment_card() -> None:
    assert Masker().text("change chg-4111111111111111 of shop", 100) == "change chg-4111111111111111 of shop"


_ASCII = st.characters(max_codepoint=127)  # other text is always read for every form


@pytest.mark.parametrize("form", [form for _, form in SECRET_FORMS])
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_no_text_that_holds_a_secret_is_passed_over_at_a_glance(
    data: st.DataObject, form: re.Pattern[str]
) -> None:
    assert may_hold_secret(data.draw(st.from_regex(form, alphabet=_ASCII)))


def test_a_letter_that_only_looks_like_another_is_read_for_every_form() -> None:
    assert may_hold_secret("pa\u017f\u017fword=hunter2")
