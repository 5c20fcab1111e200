import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from servers import HANG, RESET, HttpServer, Reply, Request, http_server

from steadyhand.adapters.channels.terminal import TerminalChannel, TerminalSettings, plain
from steadyhand.adapters.channels.webhook import WebhookChannel, WebhookSettings
from steadyhand.ports import ConfigError, EffectUnknown, SourceRefused, SourceUnavailable
from steadyhand.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio
KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
MESSAGE = ("inc-12:page:1:0", "ann", "SEV2 shop is slow", "p95 is 3 s")


@asynccontextmanager
async def webhook(
    answer: Callable[[Request], Reply], path: str = "/hook/path-secret"
) -> AsyncIterator[tuple[WebhookChannel, HttpServer]]:
    settings = WebhookSettings.model_validate({"url_env": "U", "secret_env": "S", "timeout": "0.5s"})
    async with http_server(answer) as server, httpx2.AsyncClient() as client:
        url = SecretStr(server.url + path)
        yield WebhookChannel(settings, client, url, SecretStr(SECRET), VirtualClock()), server


async def test_a_webhook_is_signed_so_that_the_receiver_can_verify_it() -> None:
    async with webhook(lambda _: Reply(202)) as (channel, server):
        assert await channel.send(*MESSAGE) == MESSAGE[0]
    (sent,) = server.requests
    stamp = sent.headers["webhook-timestamp"]
    mac = hmac.new(KEY, f"{MESSAGE[0]}.{stamp}.".encode() + sent.body, hashlib.sha256)
    assert sent.headers["webhook-signature"] == f"v1,{base64.b64encode(mac.digest()).decode()}"
    assert sent.headers["webhook-id"] == MESSAGE[0]
    assert sent.headers["content-type"] == "application/json"
    assert stamp == "1769824800"
    assert json.loads(sent.body) == {"target": "ann", "subject": MESSAGE[2], "body": MESSAGE[3]}


async def test_a_busy_receiver_is_asked_again_under_the_same_id() -> None:
    replies = iter([Reply(429, headers={"retry-after": "0"}), Reply(200)])
    async with webhook(lambda _: next(replies)) as (channel, server):
        await channel.send(*MESSAGE)
    assert [one.headers["webhook-id"] for one in server.requests] == [MESSAGE[0]] * 2


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
async def test_a_refusal_is_not_repeated(status: int) -> None:
    async with webhook(lambda _: Reply(status, headers={"location": "/x"})) as (channel, server):
        with pytest.raises(SourceRefused, match=f"answered {status}"):
            await channel.send(*MESSAGE)
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [HANG, RESET])
async def test_a_message_without_an_answer_is_unknown_not_failed(reply: Reply) -> None:
    async with webhook(lambda _: reply) as (channel, server):
        with pytest.raises(EffectUnknown) as caught:
            await channel.send(*MESSAGE)
    assert len(server.requests) == 1
    assert "path-secret" not in str(caught.value)


async def test_a_webhook_leaves_this_machine_only_by_https() -> None:
    settings = WebhookSettings(url_env="U", secret_env="S")
    async with httpx2.AsyncClient() as client:
        url = SecretStr("http://hooks.example.org/path-secret")
        channel = WebhookChannel(settings, client, url, SecretStr(SECRET), VirtualClock())
        with pytest.raises(SourceRefused, match="must be https") as caught:
            await channel.send(*MESSAGE)
    assert "path-secret" not in str(caught.value)


async def test_a_broken_signing_secret_is_named_by_its_variable() -> None:
    settings = WebhookSettings(url_env="U", secret_env="HOOK_SECRET")
    async with httpx2.AsyncClient() as client:
        with pytest.raises(ConfigError, match="HOOK_SECRET") as caught:
            WebhookChannel(settings, client, SecretStr("https://x"), SecretStr("whsec_a!b"), VirtualClock())
    assert "a!b" not in str(caught.value)


async def test_the_terminal_gets_one_line_and_a_bell(tmp_path: Path) -> None:
    out = tmp_path / "page.log"
    channel = TerminalChannel(TerminalSettings(path=str(out)))
    assert await channel.send("k", "ann", "SEV2\x1b[2J shop", "line one\nline two\a") == "k"
    assert out.read_text() == "\aPAGE ann: SEV2 [2J shop | line one line two\n"


async def test_a_terminal_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    channel = TerminalChannel(TerminalSettings(path=str(tmp_path / "no" / "page.log")))
    with pytest.raises(SourceUnavailable, match="No such file"):
        await channel.send(*MESSAGE)


@given(st.text())
def test_no_text_can_repaint_the_screen(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable() or not shown
    assert len(shown) <= 500
