"""Posts that no alert source may ever take: malformed, oversized, replayed, wrongly signed.

python tests/attack/hostile_posts.py 20000 [SEED]     # all over one house; prints what was answered
"""

import asyncio
import hashlib
import hmac
import json
import random
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2
from adapters import sns_topic
from adapters.posting import NOW
from pydantic import SecretStr
from sqlalchemy import func, select
from web.house import INGEST, SECRETS, House

from steadyhand.adapters.alerts.sns import Sns, SnsSettings
from steadyhand.adapters.alerts.sources import AlertSettings, build_source
from steadyhand.adapters.http import Web
from steadyhand.adapters.ledger.schema import metadata
from steadyhand.config import Connections
from steadyhand.ports import AlertSource
from steadyhand.web.app import build_app
from steadyhand.web.body import LARGEST

TABLES = [one for one in metadata.sorted_tables if one.name != "audit"]
SECRET = "a-signing-secret-of-tests"
LINKS = Connections.model_validate(
    {
        "alerts": [
            {"kind": "alertmanager"},
            {"kind": "generic"},
            {"kind": "generic", "name": "signed", "secrets_env": ["A"]},
            {"kind": "grafana", "secrets_env": ["A"], "timestamp_header": "X-Stamp"},
            {"kind": "pagerduty", "secrets_env": ["A"]},
            {"kind": "opsgenie"},
            {"kind": "jsm_operations", "name": "jsm"},
            {"kind": "datadog"},
            {"kind": "sns", "name": "cloudwatch", "topics": [sns_topic.TOPIC]},
            {
                "kind": "webhook",
                "name": "zabbix",
                "mapping": {"title": "t", "service": "s", "dedup_key": ["id"], "each": "problems"},
            },
        ]
    }
)


@dataclass(frozen=True)
class Hostile:
    """One post, and what is wrong with it."""

    source: str
    fault: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def good(source: str, dice: random.Random, at: datetime) -> dict[str, object]:
    """A post that this source would take."""
    name, stamp = f"alert {dice.randrange(10**9)}", at.strftime("%Y-%m-%dT%H:%M:%SZ")
    labelled = {
        "status": "firing",
        "labels": {"alertname": name, "service": "shop"},
        "annotations": {},
        "startsAt": stamp,
        "fingerprint": f"{dice.getrandbits(64):016x}",
    }
    vendor = {"alertId": name, "alias": name, "message": name, "tags": ["service:shop"], "priority": "P2"}
    incident = {"id": name, "title": name, "incident_key": name, "service": {"summary": "shop"}}
    event = {"id": name, "event_type": "incident.triggered", "occurred_at": stamp, "data": incident}
    posts: dict[str, dict[str, object]] = {
        "alertmanager": {"version": "4", "alerts": [labelled]},
        "grafana": {"version": "1", "alerts": [labelled | {"values": {"A": 1.5}}]},
        "generic": {"title": name, "service": "shop"},
        "signed": {"title": name, "service": "shop"},
        "pagerduty": {"event": event},
        "opsgenie": {"action": "Create", "alert": vendor},
        "jsm": {"action": "Create", "alert": vendor},
        "datadog": {"title": name, "transition": "Triggered", "scope": "service:shop"},
        "zabbix": {"problems": [{"t": name, "s": "shop", "id": name}]},
    }
    return posts[source] if source in posts else sns_topic.message(at=at, MessageId=name)


def signed(
    source: str, body: bytes, at: datetime, secret: str = SECRET, wanted: str = "msg-1"
) -> dict[str, str]:
    """The headers with which this source would be believed."""
    stamp = str(int(at.timestamp()))

    def mac(text: bytes) -> bytes:
        return hmac.new(secret.encode(), text, hashlib.sha256).digest()

    if source == "pagerduty":
        return {"X-PagerDuty-Signature": f"v1={mac(body).hex()}", "X-Webhook-Id": wanted}
    if source == "grafana":
        signature = mac(f"{stamp}:".encode() + body).hex()
        return {"X-Stamp": stamp, "X-Grafana-Alerting-Signature": signature}
    if source == "signed":
        mark = "v1," + b64encode(mac(f"{wanted}.{stamp}.".encode() + body)).decode()
        return {"webhook-id": wanted, "webhook-timestamp": stamp, "webhook-signature": mark}
    return {} if source == "cloudwatch" else {"Authorization": f"Bearer {INGEST}"}


SIGNED = ("signed", "grafana", "pagerduty", "cloudwatch")
EVERY = tuple(one.name for one in LINKS.alerts)
ODD: tuple[object, ...] = (  # as whole posts
    None,
    True,
    -1,
    1e308,
    "",
    "\x00",
    "x" * 5000,
    [],
    {},
    [[[]]],
    {"a": {"b": 1}},
    "0001-01-01",
)


def malformed(dice: random.Random, at: datetime) -> Hostile:
    """Bytes that are no JSON, JSON that is no post, a post with a field that cannot be."""
    source = dice.choice(EVERY)
    whole = good(source, dice, at)
    shape = dice.randrange(6)
    if shape == 0:
        body = dice.randbytes(dice.randrange(200))
    elif shape == 1:
        text = json.dumps(whole).encode()
        body = text[: dice.randrange(1, len(text) - 1)]
    elif shape == 2:
        body = b"[" * dice.randrange(500, 60_000)
    elif shape == 3:
        body = json.dumps(dice.choice(ODD)).encode()
    else:
        body = json.dumps(_spoiled(source, whole, dice)).encode()
    return Hostile(source, "malformed", body, signed(source, body, at))


NEEDED = {
    "alertmanager": ("version", "alerts"),
    "grafana": ("version", "alerts"),
    "generic": ("title", "service"),
    "signed": ("title", "service"),
    "pagerduty": ("event",),
    "opsgenie": ("action", "alert"),
    "jsm": ("action", "alert"),
    "datadog": ("title", "transition"),
    "zabbix": ("problems",),
    "cloudwatch": ("Type", "TopicArn", "Message", "Signature", "Timestamp", "SigningCertURL"),
}


def _spoiled(source: str, whole: dict[str, object], dice: random.Random) -> dict[str, object]:
    name = dice.choice(NEEDED[source])
    if dice.random() < 0.3:
        return {key: value for key, value in whole.items() if key != name}
    return whole | {name: dice.choice((None, True, -1, [True], {"a": 1}, ["x"]))}


def oversized(dice: random.Random, at: datetime) -> Hostile:
    """More than is ever read."""
    source = dice.choice(EVERY)
    body = json.dumps(good(source, dice, at)).encode() + b" " * (LARGEST + dice.randrange(1, 1000))
    return Hostile(source, "oversized", body, signed(source, body, at))


def replayed(dice: random.Random, at: datetime) -> Hostile:
    """A genuine post, long after its time; or other words under the id of one that was taken."""
    source = dice.choice(SIGNED)
    then = at - timedelta(hours=dice.randrange(2, 1000))
    if source in ("signed", "pagerduty") and dice.random() < 0.5:
        body = json.dumps(good(source, dice, at)).encode()
        return Hostile(source, "replayed", body, signed(source, body, at, wanted="taken-before"))
    body = json.dumps(good(source, dice, then)).encode()
    return Hostile(
        source, "replayed", body, signed(source, body, then, wanted=f"old-{dice.randrange(10**6)}")
    )


def forged(dice: random.Random, at: datetime) -> Hostile:
    """No proof, somebody else's, or one over other bytes."""
    source = dice.choice(EVERY)
    whole = good(source, dice, at)
    if source == "cloudwatch":
        change = dice.choice(
            (
                {"Message": sns_topic.alarm(name="forged")},
                {"SigningCertURL": f"https://evil-{dice.randrange(99)}.test/x.pem"},
                {"SigningCertURL": sns_topic.CERT_URL.replace("0a0a", "0b0b")},
                {"TopicArn": sns_topic.TOPIC.replace("alarms", "others")},
                {"Signature": b64encode(dice.randbytes(256)).decode()},
                {"SignatureVersion": "1"},
            )
        )
        return Hostile(source, "forged", json.dumps(whole | change).encode())
    body = json.dumps(whole).encode()
    right = signed(source, body, at)
    wrong: tuple[Mapping[str, str], ...] = (
        {},
        dict.fromkeys(right, ""),
        dict.fromkeys(right, "v1=" + "0" * 64),
        {"Authorization": "Basic Zm9vOmJhcg=="},
        signed(source, body + b" ", at) if source in SIGNED else {"Authorization": "Bearer wrong"},
        signed(source, body, at, secret="another-secret") if source in SIGNED else {},
    )
    return Hostile(source, "forged", body, dice.choice(wrong))


FAULTS: tuple[tuple[Callable[[random.Random, datetime], Hostile], float], ...] = (
    (malformed, 0.45),
    (forged, 0.35),
    (replayed, 0.17),
    (oversized, 0.03),
)


def hostile(number: int, seed: int = 1, at: datetime = NOW) -> Iterator[Hostile]:
    """So many posts, the same ones for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - the same posts each time, nothing secret
    makers, weights = zip(*FAULTS, strict=True)
    for _ in range(number):
        (maker,) = dice.choices(makers, weights)
        yield maker(dice, at)


class Besieged(House):
    """A house with a door for every kind of source."""

    def besiege(self) -> None:
        amazon = httpx2.AsyncClient(transport=sns_topic.Amazon())
        sources = {one.name: self._source(one, amazon) for one in LINKS.alerts}
        self.outside = replace(self.outside, sources=sources)
        self.app = build_app(self.outside, SECRETS)

    def _source(self, settings: AlertSettings, amazon: httpx2.AsyncClient) -> AlertSource:
        if isinstance(settings, SnsSettings):
            return Sns(settings, Web(source=settings.name, client=amazon, tries=1), self.clock)
        secrets = [SecretStr(SECRET)] if getattr(settings, "secrets_env", ()) else []
        return build_source(settings, secrets, amazon, self.clock)

    async def take_good_ones(self) -> int:
        """One good post of each source, two of them under an id that is then taken."""
        dice = random.Random(0)  # noqa: S311 - same
        async with self.client() as machine:
            for source in EVERY:
                body = json.dumps(good(source, dice, self.clock.now())).encode()
                headers = signed(source, body, self.clock.now(), wanted="taken-before")
                answer = await machine.post(f"/alerts/{source}", content=body, headers=headers)
                assert answer.status_code == 202, (source, answer.text)
        return len(EVERY)

    async def attack(self, number: int, seed: int) -> Counter[tuple[str, int]]:
        """What each fault was answered. Every answer names a reason."""
        answers: Counter[tuple[str, int]] = Counter()
        async with self.client() as machine:
            for one in hostile(number, seed, self.clock.now()):
                answer = await machine.post(
                    f"/alerts/{one.source}", content=one.body, headers=dict(one.headers)
                )
                assert 400 <= answer.status_code < 500, (one, answer.status_code, answer.text)
                assert reason(answer), one
                answers[one.fault, answer.status_code] += 1
        return answers


def reason(answer: httpx2.Response) -> str:
    """What the sender is told."""
    return str(answer.json()["error"])


def contents(house: House) -> list[tuple[str, int]]:
    """How many rows each table of the store holds, but for the trail: it notes who was turned away."""
    with house.outside.ledger.doors.reader.connect() as db:
        return [(one.name, db.execute(select(func.count()).select_from(one)).scalar_one()) for one in TABLES]


async def siege(number: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        house = Besieged(Path(folder), NOW)
        house.besiege()
        await house.take_good_ones()
        before, began = contents(house), time.monotonic()
        answers = await house.attack(number, seed)
        took = time.monotonic() - began
        assert contents(house) == before, "something of a refused post was kept"
    lines = [f"{fault:10} {status} {number:>7}" for (fault, status), number in sorted(answers.items())]
    total = (
        f"{sum(answers.values())} posts, seed {seed}, {took:.1f} s: each a 4xx with a reason, nothing kept"
    )
    sys.stdout.write("\n".join((*lines, total, "")))


if __name__ == "__main__":
    number, seed = (*map(int, sys.argv[1:]), *(20_000, 1)[len(sys.argv) - 1 :])
    asyncio.run(siege(number, seed))
