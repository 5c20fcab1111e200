"""Every channel with its vendor, made alike, so that the cases each channel must pass are written once."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr
from servers import Reply, Request
from vendors.base import Trouble, Vendor, serving
from vendors.github import TOKEN as GITHUB_TOKEN
from vendors.github import GitHub
from vendors.jira import TOKEN as JIRA_TOKEN
from vendors.jira import USER, Jira
from vendors.pagerduty import KEY, PagerDuty
from vendors.slack import TOKEN as SLACK_TOKEN
from vendors.slack import Slack
from vendors.smtp import PASSWORD, mail_server
from vendors.smtp import USER as SMTP_USER

from steadyhand.adapters.channels.email import EmailChannel, EmailSettings
from steadyhand.adapters.channels.github import GitHubSettings, GitHubTickets
from steadyhand.adapters.channels.jira import JiraSettings, JiraTickets
from steadyhand.adapters.channels.pagerduty import PagerDutyChannel, PagerDutySettings
from steadyhand.adapters.channels.slack import SlackChannel, SlackSettings
from steadyhand.adapters.channels.webhook import WebhookChannel, WebhookSettings
from steadyhand.ports import Channel
from steadyhand.testing.clock import VirtualClock

TIMEOUT = "5s"
HOOK_SECRET = "webhook-hunter2"


@dataclass
class Line:
    """A channel, its vendor, whom to write to, and what must never be seen."""

    channel: Channel
    vendor: Any
    target: str
    secret: str
    clock: VirtualClock
    arrived: Callable[[], Sequence[Any]]
    fails: Callable[[Trouble], None]
    lock_out: Callable[[], object]


Lines = Callable[[Path], AbstractAsyncContextManager[Line]]


def _line(
    channel: Channel, vendor: Vendor, target: str, secret: str, clock: VirtualClock, keys: set[str]
) -> Line:
    return Line(channel, vendor, target, secret, clock, vendor.take, vendor.trouble.append, keys.clear)


@asynccontextmanager
async def slack_line(_: Path) -> AsyncIterator[Line]:
    vendor, clock = Slack(), VirtualClock()
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = SlackSettings.model_validate(
            {"token_env": "T", "url": f"{server.url}/api", "timeout": TIMEOUT}
        )
        channel = SlackChannel(settings, client, SecretStr(SLACK_TOKEN), clock)
        yield _line(channel, vendor, "#incidents", SLACK_TOKEN, clock, vendor.tokens)


@asynccontextmanager
async def pagerduty_line(_: Path) -> AsyncIterator[Line]:
    vendor, clock = PagerDuty(), VirtualClock()
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = PagerDutySettings.model_validate(
            {"routing_key_envs": {"primary": "K"}, "url": server.url, "timeout": TIMEOUT}
        )
        channel = PagerDutyChannel(settings, client, {"primary": SecretStr(KEY)}, {})
        yield _line(channel, vendor, "primary", KEY, clock, vendor.keys)


@asynccontextmanager
async def github_line(_: Path) -> AsyncIterator[Line]:
    vendor, clock = GitHub(), VirtualClock()
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = GitHubSettings.model_validate(
            {"repository": "example/ops", "token_env": "T", "url": server.url, "timeout": TIMEOUT}
        )
        channel = GitHubTickets(settings, client, SecretStr(GITHUB_TOKEN))
        yield _line(channel, vendor, "sev4", GITHUB_TOKEN, clock, vendor.tokens)


@asynccontextmanager
async def jira_line(_: Path) -> AsyncIterator[Line]:
    vendor, clock = Jira(), VirtualClock()
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = JiraSettings.model_validate(
            {"url": server.url, "project": "OPS", "user": USER, "token_env": "T", "timeout": TIMEOUT}
        )
        channel = JiraTickets(settings, client, SecretStr(JIRA_TOKEN), clock)
        yield _line(channel, vendor, "sev4", JIRA_TOKEN, clock, vendor.logins)


@dataclass
class Hook(Vendor):
    """A receiver that drops repeats by their webhook-id, as the convention asks."""

    known: dict[str, bytes] = field(default_factory=dict)
    open: set[str] = field(default_factory=lambda: {"open"})

    def answer(self, request: Request) -> Reply:
        key = request.headers["webhook-id"]
        if not self.open:
            return Reply(401)
        if key not in self.known:
            self.known[key] = request.body
            self.said.append(request)
        return Reply(204)


@asynccontextmanager
async def webhook_line(_: Path) -> AsyncIterator[Line]:
    vendor, clock = Hook(), VirtualClock()
    async with serving(vendor) as server, httpx2.AsyncClient() as client:
        settings = WebhookSettings.model_validate(
            {"url_env": "U", "secret_env": "S", "timeout": TIMEOUT, "allowed_networks": ["127.0.0.0/8"]}
        )
        url = SecretStr(f"{server.url}/hook/{HOOK_SECRET}")
        channel = WebhookChannel(settings, client, url, [SecretStr(HOOK_SECRET)], clock)
        yield _line(channel, vendor, "ann", HOOK_SECRET, clock, vendor.open)


@asynccontextmanager
async def email_line(folder: Path) -> AsyncIterator[Line]:
    clock = VirtualClock()
    async with mail_server(folder) as box:
        settings = EmailSettings.model_validate(
            {
                "host": "localhost",
                "port": box.port,
                "user": SMTP_USER,
                "password_env": "P",
                "sender": "steadyhand@example.org",
                "ca_file": box.ca_file,
                "timeout": TIMEOUT,
            }
        )
        channel = EmailChannel(settings, SecretStr(PASSWORD), clock)

        def take() -> list[Any]:
            taken, box.taken = box.taken, []
            return taken

        def fail(trouble: Trouble) -> None:
            code = trouble.reply.status
            wording = {400: "554 5.7.1 refused", 429: "451 4.7.1 too fast", 503: "421 4.3.0 later"}
            box.trouble.append("cut" if trouble.after_commit else wording[code])

        yield Line(channel, box, "ann@example.org", PASSWORD, clock, take, fail, box.passwords.clear)


LINES: dict[str, Lines] = {
    "slack": slack_line,
    "pagerduty": pagerduty_line,
    "email": email_line,
    "webhook": webhook_line,
    "github": github_line,
    "jira": jira_line,
}
