"""Proofs that a post comes from its source, over the raw bytes, compared in a time that tells nothing."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from steadyhand.ports import ConfigError, NotAuthentic, Post, Replayed

_AHEAD = timedelta(minutes=5)  # a sender's clock may be ahead of ours by this much
_MOST_SIGNATURES = 10
_PREFIX = "whsec_"


def require_one(what: str, given: Sequence[str], keys: Sequence[bytes], signed: bytes) -> None:
    """One of the given hex signatures must be the HMAC-SHA256 under one of the keys. Raises NotAuthentic."""
    wanted = [hmac.new(key, signed, hashlib.sha256).hexdigest() for key in keys]
    _require(what, given, wanted)


def require_fresh(what: str, at: datetime, now: datetime, within: timedelta) -> None:
    """A post of that age may still be taken. Raises Replayed."""
    if at < now - within:
        raise Replayed(f"{what}: older than {within.total_seconds():.0f} s; posts that old are not taken")
    if at > now + _AHEAD:
        raise Replayed(f"{what}: lies in the future; compare the clocks")


def unix_time(what: str, text: str) -> datetime:
    """The instant of these unix seconds. Raises NotAuthentic."""
    try:
        return datetime.fromtimestamp(int(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise NotAuthentic(f"{what}: missing, or no unix time") from None


class StandardWebhooks:
    """Standard Webhooks 1.0.0: webhook-id, webhook-timestamp and webhook-signature over id.timestamp.body."""

    def __init__(self, secrets: Sequence[SecretStr], within: timedelta) -> None:
        """Raises ConfigError for a secret that is no base64."""
        self._keys = [_key(one.get_secret_value()) for one in secrets]
        self._within = within

    def check(self, post: Post) -> str:
        """The id of a genuine, fresh post. Raises NotAuthentic, Replayed."""
        found, stamp = post.headers.get("webhook-id", ""), post.headers.get("webhook-timestamp", "")
        if not 0 < len(found) <= 255:  # noqa: PLR2004 - the longest a Delivery takes
            raise NotAuthentic("webhook-id: missing or too long")
        at = unix_time("webhook-timestamp", stamp)
        signed = f"{found}.{stamp}.".encode(errors="replace") + post.body
        given = [
            one.removeprefix("v1,")
            for one in post.headers.get("webhook-signature", "").split()
            if one.startswith("v1,")
        ]
        wanted = [
            base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in self._keys
        ]
        _require("webhook-signature", given, wanted)
        require_fresh("webhook-timestamp", at, post.received_at, self._within)
        return found


def _key(secret: str) -> bytes:
    """The secret itself or, after whsec_, what its base64 says."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError("a webhook secret that begins with whsec_ is not base64 after it") from None


def _require(what: str, given: Sequence[str], wanted: Sequence[str]) -> None:
    fine = [
        hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode())
        for one in given[:_MOST_SIGNATURES]
        for other in wanted
    ]
    if not any(fine):
        raise NotAuthentic(f"{what}: missing, or none of its signatures is ours")
