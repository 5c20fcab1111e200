"""Checks of what lies between services: names, ports, certificates, health pages."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from cryptography import x509

from steadyhand.adapters.checks.settings import DnsSettings, HttpSettings, TcpSettings, TlsSettings
from steadyhand.adapters.http import Web
from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.ports import SourceUnavailable

_MOST_ADDRESSES = 8


class DnsCheck:
    """Asks the resolver of this machine, as the services on it do."""

    kind: CheckKind = "dns"

    def __init__(self, settings: DnsSettings) -> None:
        self.target, self.what = settings.target, settings.host
        self._settings = settings

    async def run(self, at: datetime) -> Finding:  # noqa: ARG002 - the same at all times
        """Its addresses. Raises SourceUnavailable when the resolver does not answer."""
        async with _soon(self._settings.timeout.total_seconds(), self.what):
            try:
                loop = asyncio.get_running_loop()
                rows = await loop.getaddrinfo(self._settings.host, None, type=socket.SOCK_STREAM)
            except socket.gaierror as error:
                return Finding(fine=False, words=f"does not resolve: {error.strerror}")
        found = sorted({str(row[4][0]) for row in rows})
        return Finding(
            fine=True, words=", ".join(found[:_MOST_ADDRESSES]), figures={"addresses": f"{len(found)}"}
        )


class TcpCheck:
    """Opens a connection and closes it."""

    kind: CheckKind = "tcp"

    def __init__(self, settings: TcpSettings) -> None:
        self.target, self.what = settings.target, f"{settings.host}:{settings.port}"
        self._settings = settings

    async def run(self, at: datetime) -> Finding:  # noqa: ARG002 - the same at all times
        """Whether somebody listens, and how long the handshake took."""
        one, clock = self._settings, asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(one.timeout.total_seconds()):
                _, writer = await asyncio.open_connection(one.host, one.port)
        except TimeoutError:
            return Finding(fine=False, words=f"no connection within {one.timeout.total_seconds():g} s")
        except OSError as error:
            return Finding(fine=False, words=f"no connection: {error.strerror or type(error).__name__}")
        took = clock() - began
        writer.close()
        return Finding(fine=True, words="takes connections", figures={"handshake": f"{took * 1000:.1f} ms"})


class TlsCheck:
    """Shakes hands, and reads the certificate even where it cannot be trusted."""

    kind: CheckKind = "tls"

    def __init__(self, settings: TlsSettings) -> None:
        self.target, self.what = settings.target, f"{settings.host}:{settings.port}"
        self._settings = settings

    async def run(self, at: datetime) -> Finding:
        """When it ends, and what a client would say to it. Raises SourceUnavailable when nobody answers."""
        complaint = await self._complaint()
        certificate = await self._certificate()
        left = certificate.not_valid_after_utc - at
        figures = {
            "ends": f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            "left": f"{left.total_seconds() / 86400:.1f} days",
        }
        issuer = certificate.issuer.rfc4514_string()[:120]
        if left.total_seconds() <= 0:
            return Finding(fine=False, words=f"EXPIRED; issued by {issuer}", figures=figures)
        if complaint:
            return Finding(fine=False, words=f"a client refuses it: {complaint}", figures=figures)
        fine = left > self._settings.warn
        return Finding(fine=fine, words=f"trusted; issued by {issuer}", figures=figures)

    async def _complaint(self) -> str:
        """Why a client would not trust it, "" when it would."""
        trust = ssl.create_default_context(cafile=self._settings.ca_file or None)
        try:
            await self._shake(trust)
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        except ssl.SSLError as error:
            return error.reason or "the handshake failed"
        return ""

    async def _certificate(self) -> x509.Certificate:
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname = False
        blind.verify_mode = ssl.CERT_NONE  # only to read what is shown; nothing is sent
        raw = await self._shake(blind)
        if not raw:
            raise SourceUnavailable(self.what, "it shows no certificate")
        return x509.load_der_x509_certificate(raw)

    async def _shake(self, context: ssl.SSLContext) -> bytes:
        one = self._settings
        async with _soon(one.timeout.total_seconds(), self.what):
            try:
                _, writer = await asyncio.open_connection(
                    one.host, one.port, ssl=context, server_hostname=one.host
                )
            except ssl.SSLError:
                raise
            except OSError as error:
                raise SourceUnavailable(self.what, error.strerror or type(error).__name__) from error
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        writer.close()
        return shown


class HttpCheck:
    """GETs a health page; follows no redirect and sends nothing of ours."""

    kind: CheckKind = "http"

    def __init__(self, settings: HttpSettings, web: Web) -> None:
        self.target, self.what = settings.target, settings.url.split("?")[0]
        self._settings = settings
        self._web = web

    async def run(self, at: datetime) -> Finding:  # noqa: ARG002 - the same at all times
        """Its status, time and the beginning of what it says. Raises SourceError."""
        clock = asyncio.get_running_loop().time
        began = clock()
        answer = await self._web.read(self._settings.url)
        said = " ".join(answer.body[:300].decode(errors="replace").split())[:200]
        return Finding(
            fine=answer.status in self._settings.wanted,
            words=f"answered {answer.status}: {said!r}",
            figures={"took": f"{(clock() - began) * 1000:.0f} ms"},
        )


@asynccontextmanager
async def _soon(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise SourceUnavailable(what, f"no answer within {seconds:g} s") from error
