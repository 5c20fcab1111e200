"""PagerDuty Events API v2: an incident is triggered, acknowledged and resolved under one dedup key."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Literal

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.channels.settings import ApiUrl, ChannelRule
from steadyhand.adapters.channels.wording import cut, mark, one_line, visible
from steadyhand.adapters.http import Web
from steadyhand.journey.commands import TALK
from steadyhand.journey.rule import Duration
from steadyhand.ports import Letter, SourceRefused

_KEY_LENGTH, _SUMMARY, _DETAILS = 32, 1024, 20_000
_SEVERITIES = {"SEV1": "critical", "SEV2": "error", "SEV3": "warning", "SEV4": "info"}
_ACTIONS = {"page": "trigger", "ask": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}
_LONGEST_DEDUP = 255


class PagerDutySettings(ChannelRule):
    """Services of one account, each with its integration key for Events API v2."""

    kind: Literal["pagerduty"] = "pagerduty"
    routing_key_envs: dict[str, str] = Field(
        min_length=1, description="For each service, as contacts call it: the variable with its routing key."
    )
    old_routing_key_envs: dict[str, str] = Field(
        default={}, description="The key before it was changed: incidents it opened are closed with it."
    )
    url: ApiUrl = "https://events.pagerduty.com"
    timeout: Duration = timedelta(seconds=8)


class PagerDutyChannel:
    """A Channel whose target is a service. Repeats are harmless: the dedup key makes them one."""

    def __init__(
        self,
        settings: PagerDutySettings,
        client: httpx2.AsyncClient,
        keys: Mapping[str, SecretStr],
        old_keys: Mapping[str, SecretStr],
    ) -> None:
        self.name = settings.called
        self.carries = TALK - {"note"}
        self.receipt_within: timedelta | None = None
        self._keys = keys
        self._old_keys = old_keys
        self._url = f"{settings.url}/v2/enqueue"
        secrets = (*keys.values(), *old_keys.values())
        self._web = Web(source=self.name, client=client, deadline=settings.timeout, secrets=secrets)

    async def send(self, letter: Letter) -> str:
        """Send the event. Returns "fingerprint/dedup_key": which routing key opened it, without the key.

        Raises SourceError, EffectUnknown.
        """
        action = _ACTIONS.get(letter.act)
        if action is None:
            raise SourceRefused(self.name, "it takes pages, not notes: give this contact another channel")
        key, dedup_key = self._identity(letter)
        event = {"routing_key": key.get_secret_value(), "event_action": action, "dedup_key": dedup_key}
        if action == "trigger":
            event |= _details(letter)
        headers = {"content-type": "application/json"}
        answer = await self._web.write(self._url, content=json.dumps(event).encode(), headers=headers)
        if answer.status != HTTPStatus.ACCEPTED:
            raise self._web.refusal(answer, _why(answer.json()))
        return f"{fingerprint(key)}/{dedup_key}"

    async def find(self, letter: Letter) -> str:  # noqa: ARG002 - a port's shape
        """Nothing to look at: the dedup key makes a repeat harmless."""
        return ""

    async def ready(self) -> Sequence[str]:
        """Whether each routing key has the form of one; asking PagerDuty would page somebody."""
        return tuple(
            f"{self.name}: the routing key of {service} must have {_KEY_LENGTH} letters and digits"
            for service, key in self._keys.items()
            if not (len(key.get_secret_value()) == _KEY_LENGTH and key.get_secret_value().isalnum())
        )

    def _identity(self, letter: Letter) -> tuple[SecretStr, str]:
        """The routing key and dedup key of this thread: those it was opened with, where it was.

        PagerDuty drops without a word what comes under another routing key.
        """
        opened_with, _, dedup_key = letter.first.partition("/")
        if dedup_key:
            known = (self._keys.get(letter.target), self._old_keys.get(letter.target))
            for key in known:
                if key is not None and fingerprint(key) == opened_with:
                    return key, dedup_key
            if letter.act in ("acknowledged", "resolved"):
                raise SourceRefused(
                    self.name,
                    f"{letter.target} has another routing key than {dedup_key} was opened with: "
                    "name the former one in old_routing_key_envs, or close it by hand",
                )
        if letter.target not in self._keys:
            raise SourceRefused(self.name, f"routing_key_envs has no {letter.target!r}")
        return self._keys[letter.target], _dedup_key(letter)


def fingerprint(key: SecretStr) -> str:
    """Tells one routing key from another and gives none away: 48 bits of a hash of 160 random ones."""
    return hashlib.sha256(key.get_secret_value().encode()).hexdigest()[:12]


def _dedup_key(letter: Letter) -> str:
    """One for each episode: a late "resolved" of the last one must not close this one."""
    wanted = f"steadyhand-{letter.thread or letter.key}"
    return wanted if len(wanted) <= _LONGEST_DEDUP else f"steadyhand-{mark(wanted)}"


def _details(letter: Letter) -> dict[str, Any]:
    details = {"message": cut(visible(letter.body), _DETAILS), "incident": letter.incident}
    event: dict[str, Any] = {
        "client": "Steadyhand",
        "payload": {
            "summary": one_line(letter.subject, _SUMMARY),
            "source": letter.incident or "steadyhand",
            "severity": _SEVERITIES.get(letter.severity, "critical"),
            "custom_details": details,
        },
    }
    if letter.link:
        event |= {"client_url": letter.link, "links": [{"href": letter.link, "text": "Incident"}]}
    return event


def _why(said: object) -> str:
    if not isinstance(said, dict):
        return ""
    errors = said.get("errors") or ()
    return " ".join(str(one) for one in (said.get("message", ""), *errors) if one)
