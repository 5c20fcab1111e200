"""The certificates SNS signs with, fetched from SNS itself and from nowhere else.

The address stands in a message that anybody may have written. So it must be https, on the standard port, of
the SNS host of the region that the configured topic is in, with the path such certificates have: no other
address is ever asked. TLS proves the host; the certificate must be of use now.
"""

import asyncio
import re
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from steadyhand.adapters.http import Web
from steadyhand.ports import Clock, NotAuthentic, SourceRefused

_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")
_KEPT = 16


@dataclass(frozen=True, slots=True)
class SnsUrls:
    """The addresses that SNS of one region may name."""

    host: str

    @classmethod
    def of_topic(cls, arn: str) -> "SnsUrls":
        """Those of the region a topic is in."""
        _, partition, _, region, *_ = arn.split(":")
        return cls(f"sns.{region}.amazonaws.com" + (".cn" if partition == "aws-cn" else ""))

    def certificate(self, url: str) -> str:
        """The address, where it can be one of a certificate. Raises NotAuthentic."""
        parts = self._ours("SigningCertURL", url)
        if not _PATH.fullmatch(parts.path) or parts.query:
            raise NotAuthentic("SigningCertURL: not the path of a certificate of SNS")
        return f"https://{self.host}{parts.path}"

    def subscribe(self, url: str, topic: str) -> str:
        """The address, where it confirms a subscription of this topic. Raises NotAuthentic."""
        parts = self._ours("SubscribeURL", url)
        asked = parse_qs(parts.query, max_num_fields=10)
        if asked.get("Action") != ["ConfirmSubscription"] or asked.get("TopicArn") != [topic]:
            raise NotAuthentic("SubscribeURL: does not confirm a subscription of this topic")
        return f"https://{self.host}/?{parts.query}"

    def _ours(self, field: str, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            plain = parts.scheme == "https" and parts.netloc == self.host and not parts.fragment
        except ValueError:
            plain = False
        if not plain or not url.isascii() or any(one <= " " or one == "\\" for one in url):
            raise NotAuthentic(f"{field}: not https on {self.host}")
        return parts


class Certificates:
    """Keeps the certificates that were fetched; a message that is signed with an unknown one waits for it."""

    def __init__(self, web: Web, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._known: OrderedDict[str, x509.Certificate] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()  # a storm of forged messages asks SNS in single file

    async def check(self, url: str, signature: bytes, signed: bytes, version: Literal["1", "2"]) -> None:
        """Raises NotAuthentic where the signature is not of that certificate, SourceUnavailable."""
        certificate = await self._certificate(url)
        now = self._clock.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NotAuthentic("SigningCertURL: the certificate is not valid now")
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise NotAuthentic("SigningCertURL: the certificate holds no RSA key")
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS version 1 has no other
        try:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            raise NotAuthentic("Signature: not of this message") from None

    async def visit(self, url: str) -> None:
        """Confirm a subscription. Raises SourceUnavailable, NotAuthentic."""
        await self._ask("SubscribeURL", url)

    async def _certificate(self, url: str) -> x509.Certificate:
        async with self._one_at_a_time:
            if url not in self._known:
                self._known[url] = await self._load(url)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return self._known[url]

    async def _load(self, url: str) -> x509.Certificate:
        pem = await self._ask("SigningCertURL", url)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a serial number that is odd is not our business
                return x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise NotAuthentic("SigningCertURL: no certificate there") from None

    async def _ask(self, field: str, url: str) -> bytes:
        try:
            answer = await self._web.read(url)
        except SourceRefused as error:
            raise NotAuthentic(f"{field}: SNS gives no usable answer there") from error
        if not answer.ok:
            raise NotAuthentic(f"{field}: SNS answers {answer.status} there")
        return answer.body
