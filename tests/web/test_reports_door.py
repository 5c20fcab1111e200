"""Machines report: a monitor that it lives, a channel what became of a message."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from pydantic import SecretStr
from servers import HttpServer, Reply, http_server
from standardwebhooks import Webhook
from web.house import INGEST, House, alert, bearer

from steadyhand.adapters.channels.webhook import WebhookChannel, WebhookSettings
from steadyhand.journey.alert.heartbeat import HeartbeatRule
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.responder.engine.worker import Worker

pytestmark = pytest.mark.anyio
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
RULE = HeartbeatRule.model_validate({"name": "backup", "service": "shop", "every": "1h"})
LADDER = EscalationRule(tiers=(Tier(name="on_call", contacts=(Contact(type="webhook", target="ana"),)),))


def reopen(house: House, **changes: object) -> None:
    house.rules = house.rules.model_copy(update=changes)
    house.restart()


async def test_a_heartbeat_needs_the_token_and_a_name_that_is_configured(house: House) -> None:
    reopen(house, heartbeats=(RULE,))
    async with house.client() as stranger:
        assert (await stranger.post("/heartbeats/backup")).status_code == 401
    async with house.client(headers=bearer(INGEST)) as monitor:
        answer = await monitor.post("/heartbeats/backup")
        due = house.clock.now() + timedelta(minutes=61)
        assert (answer.status_code, answer.json()) == (202, {"due_by": due.isoformat()})
        assert (await monitor.post("/heartbeats/other")).status_code == 404
        assert (await monitor.get("/heartbeats/backup")).status_code == 405


@asynccontextmanager
async def paged(house: House) -> AsyncIterator[HttpServer]:
    """A page went out by the signed webhook, which owes a receipt."""
    reopen(house, escalation=LADDER)
    async with http_server(lambda _: Reply(202)) as server, httpx2.AsyncClient() as client:
        settings = WebhookSettings.model_validate(
            {"url_env": "U", "secret_env": "S", "allowed_networks": ["127.0.0.0/8"], "receipt_within": "60s"}
        )
        pager = WebhookChannel(settings, client, SecretStr(server.url), [SecretStr(SECRET)], house.clock)
        house.outside = replace(house.outside, channels={"webhook": pager})
        house.worker = Worker(house.outside)
        house.app = house.open()
        async with house.client(headers=bearer(INGEST)) as machine:
            await machine.post("/alerts/generic", json=alert("Checkout is slow"))
        await house.turn()
        yield server


def signed(house: House, body: dict[str, str], secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """As the receiver's own library signs it."""
    raw = json.dumps(body).encode()
    now = house.clock.now()
    signature = Webhook(secret).sign("receipt-1", now, raw.decode())
    stamp = str(int(now.timestamp()))
    return raw, {"webhook-id": "receipt-1", "webhook-timestamp": stamp, "webhook-signature": signature}


async def post(house: House, raw: bytes, headers: dict[str, str]) -> httpx2.Response:
    async with house.client() as pager:
        return await pager.post("/receipts/webhook", content=raw, headers=headers)


def state(house: House) -> str:
    return house.view("inc-1").receipts[0].state


async def test_the_vendor_s_own_verifier_takes_our_signature(house: House) -> None:
    async with paged(house) as server:
        sent = server.requests[0]
        assert json.loads(sent.body)["act"] == "page"
        ours = Webhook(SECRET).sign(sent.headers["webhook-id"], house.clock.now(), sent.body.decode())
        assert ours == sent.headers["webhook-signature"]


async def test_a_signed_receipt_says_how_far_a_page_got(house: House) -> None:
    async with paged(house) as server:
        key = server.requests[0].headers["webhook-id"]
        assert state(house) == "sent"
        for how in ("delivered", "seen"):
            answer = await post(house, *signed(house, {"id": key, "state": how}))
            assert (answer.status_code, answer.json()) == (202, {"news": True})
            assert state(house) == how
        again = await post(house, *signed(house, {"id": key, "state": "delivered"}))
        assert again.json() == {"news": False}


async def test_a_receipt_without_its_proof_says_nothing(house: House) -> None:
    async with paged(house) as server:
        told = {"id": server.requests[0].headers["webhook-id"], "state": "seen"}
        raw, headers = signed(house, told)
        assert (await post(house, raw + b" ", headers)).status_code == 401
        assert (await post(house, raw, {})).status_code == 401
        other = "whsec_" + base64.b64encode(bytes(24)).decode()
        assert (await post(house, *signed(house, told, other))).status_code == 401
        await house.clock.advance(minutes=6)
        assert (await post(house, raw, headers)).status_code == 409
        assert state(house) == "sent"


@pytest.mark.parametrize("body", [{"id": "x"}, {"id": "x", "state": "eaten"}, {"state": "seen"}, {"a": "b"}])
async def test_a_receipt_that_is_none_is_refused_with_a_reason(house: House, body: dict[str, str]) -> None:
    async with paged(house):
        answer = await post(house, *signed(house, body))
        assert answer.status_code == 400
        assert answer.json()["error"]


async def test_a_channel_that_gives_no_receipts_has_no_door(house: House) -> None:
    async with house.client() as somebody:
        for name in ("phone", "console", "nothing"):
            assert (await somebody.post(f"/receipts/{name}", content=b"{}")).status_code == 404
