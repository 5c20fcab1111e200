"""The shop's replicas in two arms: which release each runs, and how it is brought there without errors."""

import asyncio
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from steadyhand.journey.rule import Value
from steadyhand.lab import process
from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import ARMS, HOST, REPLICAS, Arm, Layout, replica_name
from steadyhand.lab.process import Child, Program, python
from steadyhand.lab.servers import envoy
from steadyhand.lab.shop.config import ReplicaConfig

_READY_S = 15.0
_LOOK_S = 1.0
_STOP_S = 4.0
_PAUSE_S = 0.03
_DRAIN_LOOKS = 100  # three seconds


class ReplicaState(Value):
    """One running replica; healthy means that the balancer gives it traffic."""

    name: str
    port: int
    pid: int
    healthy: bool


class ArmState(Value):
    """What an arm runs; the version is None when it runs nothing."""

    version: str | None
    replicas: tuple[ReplicaState, ...]


@dataclass(slots=True)
class _Replica:
    child: Child
    version: str


class Fleet:
    """All replicas of the shop."""

    def __init__(self, layout: Layout, postgres_dsn: str) -> None:
        self._layout = layout
        self._dsn = postgres_dsn
        self._running: dict[Arm, dict[int, _Replica]] = {arm: {} for arm in ARMS}

    async def state(self) -> Mapping[Arm, ArmState]:
        """What both arms run now. Raises LabError when the balancer does not answer."""
        return {arm: await self._arm_state(arm) for arm in ARMS}

    async def _arm_state(self, arm: Arm) -> ArmState:
        taking = await envoy.healthy(self._layout, arm)
        replicas = []
        for number, one in sorted(self._running[arm].items()):
            port = self._layout.replica_port(arm, number)
            healthy = one.child.alive and port in taking
            replicas.append(
                ReplicaState(name=replica_name(arm, number), port=port, pid=one.child.pid, healthy=healthy)
            )
        return ArmState(version=self.version(arm), replicas=tuple(replicas))

    def version(self, arm: Arm) -> str | None:
        """The release of the arm's first replica, None for an empty arm."""
        numbers = sorted(self._running[arm])
        return self._running[arm][numbers[0]].version if numbers else None

    def runs(self, arm: Arm, version: str, replicas: int) -> bool:
        """Whether the arm already is exactly so, and alive."""
        arms = self._running[arm]
        right = [one for one in arms.values() if one.version == version and one.child.alive]
        return len(right) == len(arms) == replicas

    async def bring(self, arm: Arm, version: str, replicas: int) -> float:
        """Roll the arm, one replica at a time, to this release and count.

        Returns the unix time at which the first replica of the release took traffic. Raises LabError naming
        the replica that failed.
        """
        first = 0.0
        for number in REPLICAS[:replicas]:
            one = self._running[arm].get(number)
            if one is None or one.version != version or not one.child.alive:
                await self._replace(arm, number, version)
            first = first or time.time()
        for number in REPLICAS[replicas:]:
            await self._remove(arm, number)
        return first

    async def _replace(self, arm: Arm, number: int, version: str) -> None:
        """Start the successor while its predecessor drains; it takes the port as soon as that is free."""
        name, port = replica_name(arm, number), self._layout.replica_port(arm, number)
        successor = await self._start(arm, number, version)
        await self._remove(arm, number)
        self._running[arm][number] = _Replica(successor, version)

        async def takes_traffic() -> bool:
            return await _answers(port, name, version) and port in await envoy.healthy(self._layout, arm)

        await successor.until(takes_traffic, _READY_S)

    async def _start(self, arm: Arm, number: int, version: str) -> Child:
        name = replica_name(arm, number)
        config = ReplicaConfig(
            name=name,
            version=version,
            port=self._layout.replica_port(arm, number),
            postgres_dsn=self._dsn,
            redis_port=self._layout.port("redis"),
            payments_url=self._layout.url("payments"),
            log_file=self._layout.logs / f"{name}.jsonl",
        )
        path = self._layout.run / f"{name}.json"
        path.touch(mode=0o600)
        path.write_text(config.model_dump_json())
        return await process.start(Program(name, python("steadyhand.lab.shop", str(path))), self._layout)

    async def _remove(self, arm: Arm, number: int) -> None:
        """Stop a replica once the balancer has left it alone, or after 3 s."""
        one = self._running[arm].pop(number, None)
        if one is None:
            return
        one.child.send(signal.SIGUSR1)
        port = self._layout.replica_port(arm, number)
        for _ in range(_DRAIN_LOOKS):
            if not one.child.alive or port not in await envoy.healthy(self._layout, arm):
                break
            await asyncio.sleep(_PAUSE_S)
        await one.child.stop(_STOP_S)

    async def start(self, version: str) -> None:
        """Start the stable arm from nothing, all replicas at once. Raises LabError."""
        for number in REPLICAS:
            self._running["stable"][number] = _Replica(await self._start("stable", number, version), version)

        async def all_take_traffic() -> bool:
            dead = [one.child for one in self._running["stable"].values() if not one.child.alive]
            if dead:
                raise LabError(f"{dead[0].program.name} ended: {dead[0].last_words()}")
            return len(await envoy.healthy(self._layout, "stable")) == len(REPLICAS)

        await self._running["stable"][REPLICAS[0]].child.until(all_take_traffic, 2 * _READY_S)

    def children(self) -> list[Child]:
        """Every running replica."""
        return [one.child for arm in ARMS for one in self._running[arm].values()]


async def _answers(port: int, name: str, version: str) -> bool:
    try:
        async with httpx2.AsyncClient(timeout=_LOOK_S, trust_env=False) as client:
            answer = await client.get(f"http://{HOST}:{port}/healthz")
    except httpx2.HTTPError:
        return False
    return answer.is_success and answer.json() == {"replica": name, "version": version}
