"""A signed webhook after the Standard Webhooks convention: the receiver can verify and deduplicate."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Clock


class WebhookSettings(Rule):
    """Where messages are posted, and the variable that holds the signing secret."""

    kind: Literal["webhook"] = "webhook"
    url_env: str = Field(description="Environment variable with the address: it is a secret itself.")
    secret_env: str = Field(description="Environment variable with the signing secret.")
    timeout: Duration = timedelta(seconds=5)


class WebhookChannel:
    """A Channel over HTTP POST. 2xx is taken for sent; a reply lost on the way is unknown, not failed."""

    def __init__(
        self,
        settings: WebhookSettings,
        client: httpx2.AsyncClient,
        url: SecretStr,
        secret: SecretStr,
        clock: Clock,
    ) -> None:
        self.name = "webhook"
        self._url = url
        self._secret = secret
        self._clock = clock
        self._web = Web(source="webhook", client=client, deadline=settings.timeout, secrets=(url, secret))

    async def send(self, key: str, target: str, subject: str, body: str) -> str:
        """Post one message with `key` as its webhook-id. Raises SourceError, EffectUnknown."""
        content = json.dumps({"target": target, "subject": subject, "body": body}).encode()
        answer = await self._web.write(
            self._url.get_secret_value(), content=content, headers=self._headers(key, content)
        )
        if not answer.ok:
            raise self._web.refusal(answer)
        return key

    def _headers(self, key: str, content: bytes) -> dict[str, str]:
        stamp = str(int(self._clock.now().timestamp()))
        signed = sign(self._secret.get_secret_value(), key, stamp, content)
        return {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": signed,
        }


def sign(secret: str, key: str, stamp: str, content: bytes) -> str:
    """The v1 signature: HMAC-SHA256 over id, time and body, joined by dots, in base64."""
    mac = hmac.new(secret.encode(), f"{key}.{stamp}.".encode() + content, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"
