from pathlib import Path

import pytest
from pydantic import ValidationError
from vendors.line_up import email_line

from steadyhand.adapters.channels.email import EmailChannel, EmailSettings
from steadyhand.ports import Letter, SourceRefused, SourceUnavailable
from steadyhand.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio
PAGE = Letter(
    key="k1",
    target="ann@example.org",
    subject="SEV1 shop\r\nBcc: all@example.org",
    body="Answers fail.\n<b>500</b> & more\n.\nlast line",
    incident="inc-1",
    link="https://steadyhand.example.org/incidents/inc-1",
)


async def test_a_mail_has_text_and_html_and_its_words_become_neither_header_nor_tag(tmp_path: Path) -> None:
    async with email_line(tmp_path) as line:
        await line.channel.send(PAGE)
        (mail,) = line.arrived()
        assert mail["Subject"] == "SEV1 shop Bcc: all@example.org"
        assert mail["Bcc"] is None
        assert mail["Auto-Submitted"] == "auto-generated"
        text = mail.get_body(("plain",)).get_content()
        assert text.splitlines()[2:4] == [".", "last line"]
        assert PAGE.link in text
        html = mail.get_body(("html",)).get_content()
        assert "&lt;b&gt;500&lt;/b&gt; &amp; more" in html


async def test_what_follows_is_in_the_thread_and_the_same_key_has_the_same_id(tmp_path: Path) -> None:
    async with email_line(tmp_path) as line:
        first = await line.channel.send(PAGE)
        assert await line.channel.send(PAGE) == first
        await line.channel.send(PAGE.model_copy(update={"key": "k2", "first": first}))
        one, again, reply = line.arrived()
        assert one["Message-ID"] == again["Message-ID"] == first
        assert reply["In-Reply-To"] == reply["References"] == first
        assert reply["Message-ID"] != first


async def test_a_mailbox_that_does_not_exist_is_final(tmp_path: Path) -> None:
    async with email_line(tmp_path) as line:
        line.vendor.refused.add(PAGE.target)
        with pytest.raises(SourceRefused, match="550"):
            await line.channel.send(PAGE)


@pytest.mark.parametrize("target", ["ann", "a@b.c, d@e.f", "a@b.c\nRCPT TO: x@y.z", ""])
async def test_what_is_no_address_goes_nowhere(target: str, tmp_path: Path) -> None:
    async with email_line(tmp_path) as line:
        with pytest.raises(SourceRefused, match="no address"):
            await line.channel.send(PAGE.model_copy(update={"target": target}))


async def test_a_server_with_a_foreign_certificate_learns_nothing(tmp_path: Path) -> None:
    async with email_line(tmp_path) as line:
        settings = EmailSettings(host="localhost", port=line.vendor.port, sender="steadyhand@example.org")
        channel = EmailChannel(settings, None, VirtualClock())
        with pytest.raises(SourceRefused, match="no safe connection"):
            await channel.send(PAGE)


async def test_a_server_that_is_away_may_be_back_later() -> None:
    settings = EmailSettings(host="127.0.0.1", port=1, security="none", sender="steadyhand@example.org")
    with pytest.raises(SourceUnavailable):
        await EmailChannel(settings, None, VirtualClock()).send(PAGE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"security": "none", "host": "mail.example.org"},
        {"host": "mail.example.org", "user": "me"},
        {"host": "mail.example.org", "sender": "me"},
    ],
)
def test_settings_that_would_send_a_password_or_mail_in_the_clear_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        EmailSettings.model_validate({"sender": "steadyhand@example.org"} | wrong)
