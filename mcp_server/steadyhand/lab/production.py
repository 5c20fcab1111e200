"""The running production and what may be done to it: release, break, clear, change the pace."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Value
from steadyhand.lab.changes import ChangeLog, ChangeRecord, new_id
from steadyhand.lab.failure import LabError
from steadyhand.lab.faults import FAULTS, Fault, Truth, fault_named, truth_of
from steadyhand.lab.fleet import ArmState, Fleet
from steadyhand.lab.knobs import Manner, manner_file, turn
from steadyhand.lab.layout import REPLICAS, Arm, Layout
from steadyhand.lab.releases import BASELINE, RELEASES
from steadyhand.lab.servers import envoy, postgres

SERVICE = "shop"


class Order(Value):
    """What an arm is to run: absolute, so that it may be sent twice."""

    service: Literal["shop"] = "shop"
    arm: Arm
    version: str
    replicas: int = Field(ge=0, le=len(REPLICAS))
    author: str = Field(default="platform", max_length=100)
    summary: str = Field(default="", max_length=500)


class State(Value):
    """What the platform says is so."""

    service: str
    arms: Mapping[Arm, ArmState]
    faults: tuple[str, ...]
    started_at: datetime


class Production:
    """One lab's production. Releases and faults take turns; nothing here runs twice at a time."""

    def __init__(self, layout: Layout, fleet: Fleet, changes: ChangeLog, superuser_password: str) -> None:
        self._layout = layout
        self._fleet = fleet
        self._changes = changes
        self._password = superuser_password
        self._active: list[Truth] = []
        self._turn = asyncio.Lock()
        self._started = datetime.now(UTC)

    async def state(self) -> State:
        """Both arms, their health and the active faults. Raises LabError."""
        names = tuple(one.fault for one in self._active)
        return State(service=SERVICE, arms=await self._fleet.state(), faults=names, started_at=self._started)

    async def release(self, order: Order) -> State:
        """Bring an arm to a release; nothing restarts when it is there already. Raises LabError."""
        async with self._turn:
            await self._bring(order)
        return await self.state()

    async def _bring(self, order: Order) -> tuple[str, float]:
        """The change's id and the unix time at which the release first took traffic."""
        if order.version not in RELEASES and order.replicas:
            raise LabError(
                f"there is no release {order.version!r} of the shop; there are {', '.join(RELEASES)}"
            )
        if self._fleet.runs(order.arm, order.version, order.replicas):
            return "", time.time()
        if order.arm == "canary":
            return "", await self._bring_canary(order)
        if not order.replicas:
            raise LabError("the stable arm cannot be emptied")
        record = self._record(order)
        self._changes.note(record)
        first = await self._fleet.bring("stable", order.version, order.replicas)
        self._changes.note(record.model_copy(update={"finished_at": datetime.now(UTC)}))
        return record.id, first

    async def _bring_canary(self, order: Order) -> float:
        if not order.replicas and (share := await envoy.share(self._layout)):
            raise LabError(f"the canary arm still gets {share:.2%} of the traffic; set its share to 0 first")
        return await self._fleet.bring("canary", order.version, order.replicas)

    def _record(self, order: Order) -> ChangeRecord:
        release, previous = RELEASES[order.version], self._fleet.version("stable") or ""
        back = [*RELEASES].index(order.version) < [*RELEASES].index(previous)
        summary = f"Back to {order.version}" if back else release.summary
        return ChangeRecord(
            id=new_id(),
            service=SERVICE,
            kind="code",
            version=order.version,
            previous=previous,
            author=order.author,
            summary=order.summary or summary,
            diff="" if back else release.diff,
            replicas=order.replicas,
            started_at=datetime.now(UTC),
        )

    async def inject(self, name: str) -> State:
        """Break something and write the truth down. Raises LabError."""
        fault = fault_named(name)
        async with self._turn:
            if fault.name not in {one.fault for one in self._active}:
                self._active.append(await self._break(fault))
                self._keep_truth()
        return await self.state()

    async def _break(self, fault: Fault) -> Truth:
        began, change, onset = time.time(), "", time.time()
        if fault.release:
            author = RELEASES[fault.release].author
            order = Order(arm="stable", version=fault.release, replicas=len(REPLICAS), author=author)
            change, onset = await self._bring(order)
        if fault.payments != Manner():
            turn(manner_file(self._layout), fault.payments)
        return truth_of(fault, change, onset, began)

    async def clear(self) -> State:
        """Bring back the baseline, no canary, no extra index, quick payments. Raises LabError."""
        async with self._turn:
            turn(manner_file(self._layout), Manner())
            await envoy.withdraw(self._layout)
            author = RELEASES[BASELINE].author
            await self._bring(Order(arm="canary", version=BASELINE, replicas=0, author=author))
            await self._bring(Order(arm="stable", version=BASELINE, replicas=len(REPLICAS), author=author))
            for fault in FAULTS.values():
                if fault.column:
                    await postgres.drop_index(self._layout, self._password, fault.table, fault.column)
            self._active.clear()
            self._keep_truth()
        return await self.state()

    def _keep_truth(self) -> None:
        self._layout.truth.touch(mode=0o600)
        self._layout.truth.write_text("[" + ",\n".join(one.model_dump_json() for one in self._active) + "]\n")
