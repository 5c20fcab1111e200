"""A dead-man's switch in AWS itself: a one-time EventBridge schedule that takes the change back.

It is made before traffic moves, pushed forward while the share is renewed, and deleted once traffic is home.
The watchdog beside it acts within the lease; this one acts when the host died with it, and within a minute.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

from pydantic import Field

from steadyhand.adapters.rollouts.aws.api import Aws, AwsSettings
from steadyhand.adapters.rollouts.split import Dial, Look
from steadyhand.journey.rule import Duration
from steadyhand.ports import Clock, LeaseKind, SourceRefused


class ScheduledSettings(AwsSettings):
    """How AWS takes a change back when nobody of us is left to do so."""

    revert_role_arn: str = Field(default="", description="A role EventBridge may use to revert; empty: none.")
    revert_after: Duration = Field(default=timedelta(minutes=5), ge=timedelta(minutes=2))


@dataclass(frozen=True, slots=True)
class Reversal:
    """The call that takes the change back, as EventBridge Scheduler makes it."""

    arn: str
    input: Mapping[str, Any]


class Schedule:
    """The one schedule of a service."""

    def __init__(self, settings: ScheduledSettings, aws: Aws, clock: Clock) -> None:
        self._settings = settings
        self._aws = aws
        self._clock = clock
        self._due: datetime | None = None
        self._path = f"/schedules/{quote(f'steadyhand-{settings.name}', safe='')}"

    async def keep(self, reversal: Reversal) -> None:
        """See to it that it is due in more than half of `revert_after`. Raises SourceError."""
        now = self._clock.now()
        if self._due is not None and self._due - now > self._settings.revert_after / 2:
            return
        due = now + self._settings.revert_after
        body = self._body(reversal, due)
        try:
            await self._aws.rest("scheduler", "PUT", self._path, body)
        except SourceRefused as error:
            if "ResourceNotFound" not in str(error):
                raise
            await self._aws.rest("scheduler", "POST", self._path, body)
        self._due = due

    async def drop(self) -> None:
        """Delete it, if there is one."""
        try:
            await self._aws.rest("scheduler", "DELETE", self._path)
        except SourceRefused as error:
            if "ResourceNotFound" not in str(error):
                raise
        self._due = None

    def _body(self, reversal: Reversal, due: datetime) -> dict[str, Any]:
        return {
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ScheduleExpression": f"at({due:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "ActionAfterCompletion": "DELETE",
            "Description": f"Steadyhand: takes the canary of {self._settings.name} back",
            "Target": {
                "Arn": reversal.arn,
                "RoleArn": self._settings.revert_role_arn,
                "Input": json.dumps(reversal.input),
            },
        }


@runtime_checkable
class Reversible(Protocol):
    """What a scheduled dial needs of its knob."""

    async def reversal(self) -> Reversal:
        """The call that gives all traffic to the stable arm, whatever is so then."""
        ...


class ScheduledDial:
    """A Dial whose share AWS itself takes back some minutes after nobody renewed it."""

    def __init__(self, dial: Dial, knob: Reversible, schedule: Schedule) -> None:
        self.lease_kind: LeaseKind = dial.lease_kind
        self.admit = dial.admit
        self.evict = dial.evict
        self.by_hand = dial.by_hand
        self._dial = dial
        self._knob = knob
        self._schedule = schedule

    async def look(self) -> Look:
        """As the dial says."""
        return await self._dial.look()

    async def hold(self, share: float, lease: timedelta, fence: int) -> None:
        """The way back first."""
        await self._schedule.keep(await self._knob.reversal())
        await self._dial.hold(share, lease, fence)

    async def home(self) -> None:
        """Traffic first; only then may the way back go."""
        await self._dial.home()
        await self._schedule.drop()
