"""Every kind of channel there is. A new one: its file, its settings in the union, its line in `build`."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, assert_never

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.channels.email import EmailChannel, EmailSettings
from steadyhand.adapters.channels.github import GitHubSettings, GitHubTickets
from steadyhand.adapters.channels.jira import JiraSettings, JiraTickets
from steadyhand.adapters.channels.pagerduty import PagerDutyChannel, PagerDutySettings
from steadyhand.adapters.channels.slack import SlackChannel, SlackSettings
from steadyhand.adapters.channels.terminal import TerminalChannel, TerminalSettings
from steadyhand.adapters.channels.webhook import WebhookChannel, WebhookSettings
from steadyhand.journey.commands import ROOM_STEPS, TALK
from steadyhand.ports import Channel, Clock, ConfigError, Letter, SourceRefused

log = logging.getLogger("steadyhand.channels")

ChannelSettings = Annotated[
    TerminalSettings
    | WebhookSettings
    | SlackSettings
    | PagerDutySettings
    | EmailSettings
    | GitHubSettings
    | JiraSettings,
    Field(discriminator="kind"),
]
Secret = Callable[[str], SecretStr]
"""The secret in the environment variable of this name. Raises ConfigError when it is not set."""


class Absent:
    """A Channel that cannot be built now. It refuses every message, so that the next way is taken at once."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        self.carries = TALK | ROOM_STEPS
        self.receipt_within: timedelta | None = None
        self._why = why

    async def send(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        """Raises SourceRefused."""
        raise SourceRefused(self.name, self._why)

    async def find(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        """Nothing was ever sent."""
        return ""

    async def ready(self) -> Sequence[str]:
        """What is missing."""
        return (f"{self.name}: {self._why}",)


def build_all(
    settings: Sequence[ChannelSettings], client: httpx2.AsyncClient, clock: Clock, secret: Secret
) -> Mapping[str, Channel]:
    """The channels by name; the first of a kind answers to its kind too. A broken one blocks no other."""
    built: dict[str, Channel] = {}
    for one in settings:
        try:
            channel = build(one, client, clock, secret)
        except ConfigError as error:
            log.error("channel %s is not ready: %s", one.called, error)  # noqa: TRY400 - cause in the text
            channel = Absent(one.called, str(error))
        built[one.called] = channel
    for one in settings:
        built.setdefault(one.kind, built[one.called])
    return built


def build(  # noqa: PLR0911 - one for each kind
    settings: ChannelSettings, client: httpx2.AsyncClient, clock: Clock, secret: Secret
) -> Channel:
    """One channel with its secrets. Raises ConfigError."""
    match settings:
        case TerminalSettings():
            return TerminalChannel(settings)
        case WebhookSettings():
            old = [secret(settings.old_secret_env)] if settings.old_secret_env else []
            secrets = [secret(settings.secret_env), *old]
            return WebhookChannel(settings, client, secret(settings.url_env), secrets, clock)
        case SlackSettings():
            return SlackChannel(settings, client, secret(settings.token_env), clock)
        case PagerDutySettings():
            keys = {name: secret(variable) for name, variable in settings.routing_key_envs.items()}
            old_keys = {name: secret(variable) for name, variable in settings.old_routing_key_envs.items()}
            return PagerDutyChannel(settings, client, keys, old_keys)
        case EmailSettings():
            password = secret(settings.password_env) if settings.password_env else None
            return EmailChannel(settings, password, clock)
        case GitHubSettings():
            return GitHubTickets(settings, client, secret(settings.token_env))
        case JiraSettings():
            return JiraTickets(settings, client, secret(settings.token_env), clock)
        case _:
            assert_never(settings)
