"""A night that speaks of people on call: whom what rang, and when; any message no story expects fails it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from stores import Place

from steadyhand.journey.incident.state import Acknowledged, Event, Incident, MessageFailed
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.engine.worker import Worker
from steadyhand.responder.rules import Rules
from steadyhand.testing.clock import VirtualClock
from steadyhand.testing.phone import Line, Phone
from stories.night import Night

CREW = ("ana", "bo", "cy", "lead", "boss")
PEOPLE = [
    {"name": one, "contacts": [{"type": "phone", "user": one}, {"type": "sms", "user": one}]} for one in CREW
]


def tier(*people: str, after: int = 15, **given: Any) -> dict[str, Any]:
    contacts = [{"person": one} for one in people]
    return {"name": people[0], "contacts": contacts, "escalate_after": after} | given


def rules(*tiers: dict[str, Any], repeat: int = 0, **given: Any) -> Rules:
    """A shop of the first tier, a crew with a telephone and a short message each, and this ladder."""
    people = [one | {"next_after": "5m"} for one in PEOPLE]
    base = {
        "services": [{"name": "shop", "tier": 1}, {"name": "wiki", "tier": 3}],
        "people": people,
        "enrichment": {"deadline": "0s"},  # pages leave at once; test_enrichment tells otherwise
        "escalation": {"tiers": list(tiers), "repeat": repeat} | given.pop("escalation", {}),
    }
    return Rules.model_validate(base | given)


def patient(*names: str) -> list[dict[str, Any]]:
    """People who are only ever rung by telephone."""
    return [{"name": one, "contacts": [{"type": "phone", "user": one}]} for one in names or CREW]


def lost(key: str, target: str = "ana", channel: str = "phone") -> MessageFailed:
    """The network says of a call, or of a text, that it did not get through."""
    return MessageFailed(key=key, channel=channel, target=target, subject="s", body="b", why="not in use")


LADDER = rules(tier("ana"), tier("lead", after=30), tier("boss", after=60), people=patient())


class Shift(Night):
    """`phone("lead")` is a telephone, `sms("lead")` the other way. The engine looks into nothing here."""

    def __init__(self, folder: Path, given: Rules, start: datetime, place: Place) -> None:
        self.lines = {name: Phone(name) for name in ("phone", "sms")}
        self._start = start
        super().__init__(folder, given, place)

    def restart(self) -> None:
        """A kill -9 and a new process; telephones stay where they are."""
        if self._lives == 0:
            self.clock = VirtualClock(self._start)
        self.phone = self.lines["phone"]
        super().restart()
        self.outside = replace(self.outside, channels=dict(self.lines))
        self.worker = Worker(self.outside)

    def sms(self, target: str) -> Line:
        return self.lines["sms"](target)

    async def fires(
        self, name: str = "HighErrorRate", service: str = "shop", severity: str = "critical"
    ) -> str:
        """An alert comes in and whatever is due at once leaves."""
        incident = self.alert(name, service=service, severity=severity)
        self.leave_alone(incident)
        await self.turn()
        return incident

    async def passes(self, **span: float) -> None:
        """Time goes by with the service awake: each thing happens at its own instant."""
        end = self.clock.now() + timedelta(**span)
        await self.turn()
        while (due := self.outside.ledger.next_due()) is not None and due <= end:
            await self.clock.advance(max(due - self.clock.now(), timedelta()))
            await self.turn()
        await self.clock.advance(end - self.clock.now())
        await self.turn()

    def happens(self, incident: str, event: Event) -> Incident:
        return tell_incident(self.outside, incident, event)

    def acks(self, incident: str, by: str = "ana") -> Incident:
        return self.happens(incident, Acknowledged(by=by, via="phone"))

    def nothing_else(self) -> None:
        """Whatever rang was expected by the story."""
        unheard = [
            f"{name} {call.target}: {call.body}" for name, one in self.lines.items() for call in one.unheard
        ]
        assert not unheard, f"nobody expected {unheard}"


Begin = Callable[..., Shift]


def tell(story: Coroutine[None, None, None]) -> None:
    """Let a story happen."""
    asyncio.run(story)
