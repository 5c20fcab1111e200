"""A store and a target as a process has them that may die at any boundary of its journal."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from steadyhand.journey.rollout.model import Arms, Observed
from steadyhand.ports import TrafficTarget
from steadyhand.store import Ledger, Transaction


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, not even its own error handling."""


def _raise(name: str) -> None:
    raise Killed(name)


@dataclass
class Death:
    """Counts boundaries, and kills at the one it is set to: a number, or the first one of that name."""

    at: int | str
    kill: Callable[[str], None] = _raise
    passed: list[str] = field(default_factory=list)

    def boundary(self, name: str) -> None:
        self.passed.append(name)
        if self.at in (len(self.passed), name):
            self.kill(name)


class MortalLedger:
    """The store of a process that may die just before or just after each commit."""

    def __init__(self, inner: Ledger, death: Death) -> None:
        self._inner, self._death = inner, death

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    @contextmanager
    def write(self, *, first: bool = False) -> Iterator[Transaction]:
        with self._inner.write(first=first) as tx:
            yield tx
            self._death.boundary("before a commit")
        self._death.boundary("after a commit")


class MortalTraffic:
    """The target as a process sees it that may die before its call went out, or before the answer came."""

    def __init__(self, inner: TrafficTarget, death: Death) -> None:
        self._inner, self._death = inner, death

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def _call(self, name: str) -> AsyncIterator[None]:
        self._death.boundary(f"before {name}")
        yield
        self._death.boundary(f"after {name}")

    async def prepare(self, version: str, replicas: int) -> Observed:
        async with self._call("prepare"):
            return await self._inner.prepare(version, replicas)

    async def set_share(self, share: float, lease: timedelta, fence: int = 0) -> Observed:
        async with self._call("set_share"):
            return await self._inner.set_share(share, lease, fence)

    async def counters(self, slow_ms: tuple[float, float]) -> Arms:
        async with self._call("counters"):
            return await self._inner.counters(slow_ms)

    async def settle(self, version: str) -> Observed:
        async with self._call("settle"):
            return await self._inner.settle(version)

    async def revert(self) -> Observed:
        async with self._call("revert"):
            return await self._inner.revert()
