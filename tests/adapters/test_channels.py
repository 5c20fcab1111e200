import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from servers import HANG, RESET, HttpServer, Reply, Request, http_server
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from steadyhand.adapters.channels.terminal import TerminalChannel, TerminalSettings, plain
from steadyhand.adapters.channels.webhook import WebhookChannel, WebhookSettings
from steadyhand.adapters.machine import SystemClock
from steadyhand.ports import Clock, ConfigError, EffectUnknown, Letter, SourceRefused, SourceUnavailable
from steadyhand.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio
KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
LETTER = Letter(key="inc-12:page:1:0", target="ann", subject="SEV2 shop is slow", body="p95 is 3 s")


@asynccontextmanager
async def webhook(
    answer: Callable[[Request], Reply],
    path: str = "/hook/path-secret",
    secrets: Sequence[str] = (SECRET,),
    clock: Clock | None = None,
) -> AsyncIterator[tuple[WebhookChannel, HttpServer]]:
    settings = WebhookSettings.model_validate(
        {"url_env": "U", "secret_env": "S", "timeout": "0.5s", "allowed_networks": ["127.0.0.0/8"]}
    )
    async with http_server(answer) as server, httpx2.AsyncClient() as client:
        url = SecretStr(server.url + path)
        signed_with = [SecretStr(one) for one in secrets]
        yield WebhookChannel(settings, client, url, signed_with, clock or VirtualClock()), server


async def test_a_webhook_is_signed_so_that_the_receiver_can_verify_it() -> None:
    async with webhook(lambda _: Reply(202)) as (channel, server):
        assert await channel.send(LETTER) == LETTER.key
    (sent,) = server.requests
    stamp = sent.headers["webhook-timestamp"]
    mac = hmac.new(KEY, f"{LETTER.key}.{stamp}.".encode() + sent.body, hashlib.sha256)
    assert sent.headers["webhook-signature"] == f"v1,{base64.b64encode(mac.digest()).decode()}"
    assert sent.headers["webhook-id"] == LETTER.key
    assert sent.headers["content-type"] == "application/json"
    assert stamp == "1769824800"
    assert json.loads(sent.body) == {
        "target": "ann",
        "subject": LETTER.subject,
        "body": LETTER.body,
        "act": "page",
        "severity": "",
        "incident": "",
        "link": "",
    }


async def test_another_s_verifier_takes_what_is_signed_and_no_byte_more() -> None:
    async with webhook(lambda _: Reply(202), clock=SystemClock()) as (channel, server):
        await channel.send(LETTER.model_copy(update={"body": "Fehler: 18\u00a0% <b>&</b> \u2028 @all"}))
    (sent,) = server.requests
    theirs = Webhook(SECRET)
    assert theirs.verify(sent.body.decode(), sent.headers)["target"] == "ann"
    later = str(int(sent.headers["webhook-timestamp"]) + 1)
    for changed, headers in (
        (sent.body + b" ", sent.headers),
        (sent.body, {**sent.headers, "webhook-id": "another"}),
        (sent.body, {**sent.headers, "webhook-timestamp": later}),
    ):
        with pytest.raises(WebhookVerificationError):
            theirs.verify(changed.decode(), headers)


async def test_while_secrets_change_whoever_has_either_can_verify() -> None:
    old = "whsec_" + base64.b64encode(KEY[::-1]).decode()
    async with webhook(lambda _: Reply(202), secrets=(SECRET, old), clock=SystemClock()) as (channel, server):
        await channel.send(LETTER)
    (sent,) = server.requests
    for known in (SECRET, old):
        assert Webhook(known).verify(sent.body.decode(), sent.headers)["subject"] == LETTER.subject


async def test_a_busy_receiver_is_asked_again_under_the_same_id() -> None:
    replies = iter([Reply(429, headers={"retry-after": "0"}), Reply(200)])
    async with webhook(lambda _: next(replies)) as (channel, server):
        await channel.send(LETTER)
    assert [one.headers["webhook-id"] for one in server.requests] == [LETTER.key] * 2


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
async def test_a_refusal_is_not_repeated(status: int) -> None:
    async with webhook(lambda _: Reply(status, headers={"location": "/x"})) as (channel, server):
        with pytest.raises(SourceRefused, match=f"answered {status}"):
            await channel.send(LETTER)
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [HANG, RESET])
async def test_a_message_without_an_answer_is_unknown_not_failed(reply: Reply) -> None:
    async with webhook(lambda _: reply) as (channel, server):
        with pytest.raises(EffectUnknown) as caught:
            await channel.send(LETTER)
    assert len(server.requests) == 1
    assert "path-secret" not in str(caught.value)


async def test_a_broken_signing_secret_is_named_by_its_variable() -> None:
    settings = WebhookSettings(url_env="U", secret_env="HOOK_SECRET")
    async with httpx2.AsyncClient() as client:
        with pytest.raises(ConfigError, match="HOOK_SECRET") as caught:
            WebhookChannel(settings, client, SecretStr("https://x"), [SecretStr("whsec_a!b")], VirtualClock())
    assert "a!b" not in str(caught.value)


async def test_the_terminal_gets_one_line_and_a_bell(tmp_path: Path) -> None:
    out = tmp_path / "page.log"
    channel = TerminalChannel(TerminalSettings(path=str(out)))
    loud = Letter(key="k", target="ann", subject="SEV2\x1b[2J shop", body="line one\nline two\a")
    assert await channel.send(loud) == "k"
    assert out.read_text() == "\aPAGE ann: SEV2 [2J shop | line one line two\n"


async def test_a_terminal_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    channel = TerminalChannel(TerminalSettings(path=str(tmp_path / "no" / "page.log")))
    with pytest.raises(SourceUnavailable, match="No such file"):
        await channel.send(LETTER)


@given(st.text())
def test_no_text_can_repaint_the_screen(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable() or not shown
    assert len(shown) <= 500
