"""A signed webhook after the Standard Webhooks convention: the receiver can verify and deduplicate."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

import httpx2
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, ValidationError

from steadyhand.adapters.alerts.signing import StandardWebhooks
from steadyhand.adapters.channels.address import Place, locate
from steadyhand.adapters.channels.settings import ChannelRule
from steadyhand.adapters.channels.wording import cut
from steadyhand.adapters.http import Web
from steadyhand.journey.commands import TALK
from steadyhand.journey.rule import Duration
from steadyhand.ports import (
    BadAlert,
    Clock,
    ConfigError,
    Confirmation,
    Letter,
    Post,
    SourceError,
    SourceUnavailable,
)

_LARGEST_ANSWER = 64 * 1024
_LONGEST_BODY = 20_000
_RECEIPT_AGE = timedelta(minutes=5)


class WebhookSettings(ChannelRule):
    """Where messages are posted, and the variable that holds the signing secret."""

    kind: Literal["webhook"] = "webhook"
    url_env: str = Field(description="Environment variable with the address: it is a secret itself.")
    secret_env: str = Field(description="Environment variable with the signing secret.")
    old_secret_env: str = Field(default="", description="Signed with as well while the receiver changes.")
    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Private networks it may reach, in plain http too, e.g. [10.0.0.0/8]."
    )
    receipt_within: Duration | None = Field(
        default=None,
        description="A receipt must come to POST /receipts/{name} this soon, or the next channel is used.",
    )
    timeout: Duration = timedelta(seconds=5)


class _Receipt(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=1000)
    state: Literal["delivered", "seen", "failed"]
    why: str = Field(default="", max_length=500)


class WebhookChannel:
    """A Channel over HTTP POST. 2xx is taken for sent; a reply lost on the way is unknown, not failed."""

    def __init__(
        self,
        settings: WebhookSettings,
        client: httpx2.AsyncClient,
        url: SecretStr,
        secrets: Sequence[SecretStr],
        clock: Clock,
    ) -> None:
        """`secrets`: the present one first. Raises ConfigError for one that says whsec_ and is no base64."""
        self.name = settings.called
        self.carries = TALK
        self.receipt_within = settings.receipt_within
        self._settings = settings
        self._url = url
        self.keys = tuple(_key(settings.secret_env, one.get_secret_value()) for one in secrets)
        self._proof = StandardWebhooks(secrets, _RECEIPT_AGE)
        self._clock = clock
        self._web = Web(
            source=self.name,
            client=client,
            deadline=settings.timeout,
            largest_bytes=_LARGEST_ANSWER,
            secrets=(url, *secrets),
        )

    async def send(self, letter: Letter) -> str:
        """Post one message with its key as webhook-id. Raises SourceError, EffectUnknown."""
        place = await self._locate()
        content = json.dumps(_facts(letter)).encode()
        headers = {"host": place.host, **self._headers(letter.key, content)}
        answer = await self._web.write(place.url, content=content, headers=headers, tls_name=place.tls_name)
        if not answer.ok:
            raise self._web.refusal(answer)
        return letter.key

    async def find(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        """Nothing to look at: the receiver knows a repeat by its webhook-id."""
        return ""

    async def ready(self) -> Sequence[str]:
        """Whether its address is one a message may go to."""
        try:
            await self._locate()
        except SourceError as error:
            return (str(error),)
        return ()

    def confirmation(self, post: Post) -> Confirmation:
        """A receipt: {"id", "state", "why"}, signed as our messages are. Raises AlertRefused."""
        self._proof.check(post)
        try:
            told = _Receipt.model_validate_json(post.body)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, one["loc"])) or "body" for one in error.errors())
            raise BadAlert(
                f"a receipt is id, state (delivered, seen or failed) and why; wrong: {places}"
            ) from None
        return Confirmation(key=told.id, how=told.state, why=told.why)

    async def _locate(self) -> Place:
        limit_s = self._settings.timeout.total_seconds()
        try:
            async with asyncio.timeout(limit_s):
                return await locate(self.name, self._url.get_secret_value(), self._settings.allowed_networks)
        except TimeoutError as error:
            raise SourceUnavailable(self.name, f"its host was not resolved within {limit_s:g} s") from error

    def _headers(self, key: str, content: bytes) -> dict[str, str]:
        stamp = str(int(self._clock.now().timestamp()))
        return {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(sign(one, key, stamp, content) for one in self.keys),
        }


def _facts(letter: Letter) -> dict[str, str]:
    facts = letter.model_dump(include={"target", "subject", "act", "severity", "incident", "link"})
    return {**facts, "body": cut(letter.body, _LONGEST_BODY)}


def sign(secret: bytes, key: str, stamp: str, content: bytes) -> str:
    """The v1 signature: HMAC-SHA256 over id, time and body, joined by dots, in base64."""
    mac = hmac.new(secret, f"{key}.{stamp}.".encode() + content, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def _key(variable: str, secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    if encoded == secret:
        return secret.encode()
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ConfigError(f"{variable}: what follows whsec_ must be base64") from None
