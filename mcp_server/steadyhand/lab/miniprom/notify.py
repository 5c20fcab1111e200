"""Telling the receiver: grouped, with a deadline and bounded retries, kept until delivered."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx2

from steadyhand.lab.miniprom.groups import Group, Timing, group_labels, needs_telling, received, tidied, told
from steadyhand.lab.miniprom.labels import Labels
from steadyhand.lab.miniprom.rules import Alert
from steadyhand.lab.miniprom.webhook import webhook

log = logging.getLogger("mini-prom.notify")

SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where notifications go; the token, when there is one, is sent as a bearer token and never logged."""

    url: str
    token: str | None = None
    deadline: timedelta = timedelta(seconds=3)
    pauses: tuple[timedelta, ...] = (timedelta(seconds=0.2), timedelta(seconds=0.5))

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of every notification."""
        bearer = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return {"Content-Type": "application/json", **bearer}


class Notifier:
    """The groups of alerts and the receiver they are told to."""

    def __init__(
        self, receiver: Receiver, http: httpx2.AsyncClient, base_url: str, timing: Timing | None = None
    ) -> None:
        self._receiver = receiver
        self._http = http
        self._base_url = base_url
        self._timing = timing or Timing()
        self._groups: dict[Labels, Group] = {}

    def receive(self, alerts: Iterable[Alert], now: datetime) -> None:
        """Take in firing and resolved alerts."""
        for alert in alerts:
            key = group_labels(alert, self._timing)
            self._groups[key] = received(self._groups.get(key), alert, now, self._timing)

    async def tell(self, now: datetime) -> None:
        """Look at each group that is due and tell the receiver what it lacks.

        What it did not accept stays and is told at the group's next turn.
        """
        due = [group for group in self._groups.values() if group.due_at <= now]
        await asyncio.gather(*(self._flush(group, now) for group in due))

    async def _flush(self, group: Group, now: datetime) -> None:
        key = group.labels
        self._groups[key] = replace(group, due_at=now + self._timing.interval)
        needed = needs_telling(group, now, self._timing)
        if needed and not await self._deliver(group):
            return
        current = told(self._groups[key], group.alerts, now) if needed else self._groups[key]
        left = tidied(current, group.alerts)
        if left is None:
            del self._groups[key]
        else:
            self._groups[key] = left

    async def _deliver(self, group: Group) -> bool:
        body = webhook(group.labels, group.alerts.values(), self._base_url).model_dump_json(by_alias=True)
        for pause in (*self._receiver.pauses, None):
            problem, again = await self._post(body)
            if problem is None:
                log.info("told the receiver about %d alerts", len(group.alerts))
                return True
            log.warning("the receiver did not take a notification: %s", problem)
            if pause is None or not again:
                return False
            await asyncio.sleep(pause.total_seconds())
        return False

    async def _post(self, body: str) -> tuple[str | None, bool]:
        """Return what went wrong, if anything, and whether another try may help."""
        try:
            async with asyncio.timeout(self._receiver.deadline.total_seconds()):
                answer = await self._http.post(
                    self._receiver.url, content=body, headers=self._receiver.headers
                )
        except (httpx2.HTTPError, TimeoutError) as error:
            return type(error).__name__, True
        if answer.is_success:
            return None, False
        return f"HTTP {answer.status_code}", answer.status_code >= SERVER_ERROR
