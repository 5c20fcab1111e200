"""A mail server (aiosmtpd) that lets nobody in without TLS and the right password, and reads what it gets."""

import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from servers import free_port

USER, PASSWORD = "steadyhand", "mail-hunter2"


@dataclass
class Mailbox:
    """Every message that was taken, and trouble used up one by one: an answer to DATA, or "cut"."""

    trouble: deque[str] = field(default_factory=deque)
    refused: set[str] = field(default_factory=set)
    passwords: set[str] = field(default_factory=lambda: {PASSWORD})
    taken: list[EmailMessage] = field(default_factory=list)
    port: int = 0
    ca_file: str = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - same
        trouble = self.trouble.popleft() if self.trouble else ""
        if trouble and trouble != "cut":
            return trouble
        mail = message_from_bytes(envelope.content or b"", policy=default)
        assert isinstance(mail, EmailMessage)
        assert envelope.mail_from == "steadyhand@example.org"
        assert mail["To"] == envelope.rcpt_tos[0]
        assert not mail.defects
        self.taken.append(mail)
        if trouble == "cut":
            server.transport.abort()
        return "250 taken"

    def sign_in(
        self, _server: Any, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        known = data.login == USER.encode() and data.password.decode() in self.passwords
        return AuthResult(success=known, handled=False)


@asynccontextmanager
async def mail_server(folder: Path) -> AsyncIterator[Mailbox]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    box = Mailbox(port=free_port(), ca_file=str(folder / "ca.pem"))
    authority.cert_pem.write_to_path(box.ca_file)
    controller = Controller(
        box,
        hostname="localhost",
        port=box.port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        auth_require_tls=True,
        authenticator=box.sign_in,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
