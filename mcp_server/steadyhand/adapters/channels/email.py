"""E-mail over SMTP with STARTTLS and AUTH. That a server took it is all that is known: nobody has read it."""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from steadyhand.adapters.channels.mail_form import compose, message_id
from steadyhand.adapters.channels.settings import HERE, ChannelRule
from steadyhand.journey.commands import TALK
from steadyhand.journey.rule import Duration
from steadyhand.ports import Clock, EffectUnknown, Letter, SourceError, SourceRefused, SourceUnavailable

_FAILED, _PERMANENT = 400, 500  # SMTP: 4yz may pass, 5yz will not


class EmailSettings(ChannelRule):
    """A mail server that takes our messages, and the address they come from."""

    kind: Literal["email"] = "email"
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none is for a server on this machine alone."
    )
    user: str = Field(default="", description="For AUTH; empty where the server asks for none.")
    password_env: str = ""
    sender: str = Field(pattern=r"^[^\s@<>,]+@[^\s@<>,]+$", description="The address in From.")
    ca_file: str = Field(default="", description="Certificates of your own authority; empty: the system's.")
    timeout: Duration = timedelta(seconds=8)

    @model_validator(mode="after")
    def _guarded(self) -> "EmailSettings":
        if self.security == "none" and self.host not in HERE:
            raise ValueError("security: none is for a server on this machine alone")
        if bool(self.user) != bool(self.password_env):
            raise ValueError("user and password_env belong together")
        return self


class EmailChannel:
    """A Channel whose target is an address."""

    def __init__(self, settings: EmailSettings, password: SecretStr | None, clock: Clock) -> None:
        self.name = settings.called
        self.carries = TALK
        self.receipt_within: timedelta | None = None
        self._settings = settings
        self._password = password
        self._clock = clock
        self._domain = settings.sender.rpartition("@")[2]

    async def send(self, letter: Letter) -> str:
        """Hand it to the server. Returns its Message-ID. Raises SourceError, EffectUnknown."""
        if "@" not in letter.target or any(one in letter.target for one in "\r\n<>, "):
            raise SourceRefused(self.name, f"{letter.target!r} is no address")
        mail = compose(letter, self._settings.sender, self._domain, self._clock.now())
        await asyncio.to_thread(self._hand_over, letter.target, mail)
        return message_id(letter, self._domain)

    async def find(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        """Nobody can look into a mailbox: it is sent again with the same Message-ID."""
        return ""

    async def ready(self) -> Sequence[str]:
        """Whether the server lets us in."""
        try:
            await asyncio.to_thread(self._knock)
        except SourceError as error:
            return (str(error),)
        return ()

    def _knock(self) -> None:
        with self._named(), self._open() as server:
            server.noop()

    def _hand_over(self, target: str, mail: EmailMessage) -> None:
        with self._named(), self._open() as server:
            self._expect(server.mail(self._settings.sender))
            self._expect(server.rcpt(target))
            try:
                answer = server.data(mail.as_bytes(policy=SMTP))
            except smtplib.SMTPResponseException:
                raise  # it was not let begin
            except (OSError, smtplib.SMTPServerDisconnected) as error:
                # The last dot may have been read: only the answer to it is missing.
                raise EffectUnknown(self.name, f"sent, but no answer came: {type(error).__name__}") from error
            self._expect(answer)

    @contextmanager
    def _open(self) -> Iterator[smtplib.SMTP]:
        one = self._settings
        limit_s = one.timeout.total_seconds()
        context = ssl.create_default_context(cafile=one.ca_file or None)
        server = (
            smtplib.SMTP_SSL(one.host, one.port, timeout=limit_s, context=context)
            if one.security == "tls"
            else smtplib.SMTP(one.host, one.port, timeout=limit_s)
        )
        try:
            server.ehlo()
            if one.security == "starttls":
                server.starttls(context=context)
                server.ehlo()
            if one.user and self._password is not None:
                server.login(one.user, self._password.get_secret_value())
            yield server
        finally:
            server.close()  # not quit(): it would wait for an answer that nobody needs

    def _expect(self, answer: tuple[int, bytes]) -> None:
        code, text = answer
        if code >= _FAILED:
            raise smtplib.SMTPResponseException(code, text)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Every failure in our words; the server's text is untrusted and kept short."""
        try:
            yield
        except smtplib.SMTPResponseException as error:
            why = f"the mail server says {error.smtp_code}: {self._clean(error.smtp_error)}"
            failure = SourceRefused if error.smtp_code >= _PERMANENT else SourceUnavailable
            raise failure(self.name, why) from None  # the original holds what was sent
        except smtplib.SMTPNotSupportedError as error:
            raise SourceRefused(self.name, self._clean(error)) from error
        except ssl.SSLError as error:
            raise SourceRefused(self.name, f"no safe connection: {error.reason or 'TLS failed'}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise SourceUnavailable(self.name, f"not reachable: {type(error).__name__}") from error

    def _clean(self, given: object) -> str:
        text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)
        if self._password is not None:
            text = text.replace(self._password.get_secret_value(), "***")
        return " ".join(text.split())[:200]
