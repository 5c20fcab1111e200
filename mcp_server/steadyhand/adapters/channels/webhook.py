"""A signed webhook after the Standard Webhooks convention: the receiver can verify and deduplicate."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Clock, ConfigError, SourceRefused


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
        """Raises ConfigError for a secret that says whsec_ and is no base64."""
        self.name = "webhook"
        self._url = url
        self._key = _key(settings.secret_env, secret.get_secret_value())
        self._clock = clock
        self._web = Web(source="webhook", client=client, deadline=settings.timeout, secrets=(url, secret))

    async def send(self, key: str, target: str, subject: str, body: str) -> str:
        """Post one message with `key` as its webhook-id. Raises SourceError, EffectUnknown."""
        if not _confidential(self._url.get_secret_value()):
            raise SourceRefused(self.name, "its address must be https, or on this machine")
        content = json.dumps({"target": target, "subject": subject, "body": body}).encode()
        answer = await self._web.write(
            self._url.get_secret_value(), content=content, headers=self._headers(key, content)
        )
        if not answer.ok:
            raise self._web.refusal(answer)
        return key

    def _headers(self, key: str, content: bytes) -> dict[str, str]:
        stamp = str(int(self._clock.now().timestamp()))
        signed = sign(self._key, key, stamp, content)
        return {
            "content-type": "application/json",
            "webhook-id": key,
            "webhook-timestamp": stamp,
            "webhook-signature": signed,
        }


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


def _confidential(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}
