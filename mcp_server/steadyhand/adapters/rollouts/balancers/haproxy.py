"""Traffic of one service through HAProxy: share and lease in a map that the proxy itself evaluates.

The dead-man's switch is the proxy's own: each request compares the lease's end in the map with the proxy's
clock, so nothing of ours has to be alive for traffic to come home. A reload returns to the map's file, which
says 0. docs/howto/connect-balancers.md has the configuration; the map's file must hold all four keys.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from zlib import crc32

from pydantic import Field

from steadyhand.adapters.http import Web
from steadyhand.adapters.rollouts.balancers.arm_log import ArmLog
from steadyhand.adapters.rollouts.balancers.haproxy_runtime import HAProxyRuntime, add, backend_counts, is_up
from steadyhand.adapters.rollouts.platform import PlatformSettings
from steadyhand.adapters.rollouts.split import Look
from steadyhand.journey.rollout.model import Arms
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import Clock, ForeignChange, LeaseKind, SourceRefused, SourceUnavailable

_WHOLE = 10_000  # the map's share is in hundredths of a percent
_POLL = timedelta(milliseconds=100)


class HAProxyMember(Rule):
    """One proxy of the fleet."""

    socket: str = Field(pattern=r"^(/\S+|[\w.-]+:\d+)$", description="Its stats socket: a path or host:port.")
    clock_url: str = Field(
        pattern=r"^http://[^@]+$", description="A loopback frontend that answers its time."
    )


class HAProxySettings(PlatformSettings):
    """Where the proxies are, and what their parts are called."""

    kind: Literal["haproxy"]
    members: tuple[HAProxyMember, ...] = Field(min_length=1, description="Every proxy before the service.")
    map_file: str = Field(pattern=r"^/\S+$", description="The map, as the configuration spells its path.")
    stable_backend: str = "stable"
    canary_backend: str = "canary"
    log_listen: str = Field(default="", pattern=r"^([\w.-]+:\d+)?$", description="UDP, for slow answers.")
    timeout: Duration = timedelta(seconds=2)
    most_skew: Duration = Field(default=timedelta(seconds=1), description="Between a proxy's clock and ours.")


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy: its Runtime API and its clock."""

    runtime: HAProxyRuntime
    web: Web
    clock_url: str

    async def now_ms(self) -> int:
        """Its own clock, in ms since 1970: a lease ends by that clock, whatever ours says."""
        answer = await self.web.read(self.clock_url)
        text = answer.body.decode(errors="replace").strip()
        if not answer.ok or not text.isdigit():
            raise SourceRefused(self.web.source, f"its clock says {self.web.clean(text)!r}, not a time in ms")
        return int(text)


def mark_number(mark: str) -> int:
    """A mark as the map can hold it: 1 to 2^31; 0 is nobody."""
    return (crc32(mark.encode()) & 0x7FFFFFFF) or 1


class HAProxyDial:
    """A Dial over one or more proxies. A share and a lease are set on, and read back from, each of them."""

    lease_kind: LeaseKind = "in the proxy"

    def __init__(self, settings: HAProxySettings, proxies: Sequence[Proxy], clock: Clock, mark: str) -> None:
        self._settings = settings
        self._proxies = proxies
        self._clock = clock
        self._mark = mark
        self._number = mark_number(mark)
        self._asked = (0.0, 0.0)  # now and before

    async def look(self) -> Look:
        """The greatest share of all proxies: one that lags behind is seen."""
        looks = await asyncio.gather(*(self._look(one) for one in self._proxies))
        return max(looks, key=lambda one: one.share)

    async def hold(self, share: float, lease: timedelta, fence: int) -> None:
        """On every proxy: refuse what is not ours, set share and lease, read both back."""
        known = await asyncio.gather(*(self._must_be_ours(one, fence) for one in self._proxies))
        self._asked = (share, self._asked[0] if share != self._asked[0] else self._asked[1])
        steps = (
            self._set(one, share, now, lease, fence) for one, now in zip(self._proxies, known, strict=True)
        )
        await asyncio.gather(*steps)

    async def home(self) -> None:
        """Share and lease to 0 on every proxy, also where another one fails."""
        done = await asyncio.gather(*(self._home(one) for one in self._proxies), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        self._asked = (0.0, 0.0)

    async def admit(self) -> None:
        """Let its servers take traffic, and wait until every proxy sees one that is well."""
        ends = self._clock.now() + self._settings.release_timeout
        backend = self._settings.canary_backend
        for one in self._proxies:
            await one.runtime.set_state(backend, "ready")
            while not is_up(await one.runtime.statistics(), backend):
                if self._clock.now() >= ends:
                    raise SourceUnavailable(one.runtime.source, f"sees no healthy server in {backend}")
                await self._clock.sleep(_POLL)

    async def evict(self) -> None:
        """Maintenance mode: the only state that moves users with a cookie; weight 0 and drain keep them."""
        backend = self._settings.canary_backend
        await asyncio.gather(*(one.runtime.set_state(backend, "maint") for one in self._proxies))

    def by_hand(self) -> str:
        """A line for each proxy, for a shell on its host."""
        file = self._settings.map_file
        order = f"set map {file} share 0; set map {file} expires_ms 0"
        return "\n".join(
            f"echo '{order}' | socat stdio {_socat(one.socket)}" for one in self._settings.members
        )

    async def _look(self, proxy: Proxy) -> Look:
        entries, now = await asyncio.gather(self._entries(proxy), proxy.now_ms())
        if entries["expires_ms"] <= now:
            return Look(share=0.0)
        share = min(_WHOLE, max(0, entries["share"])) / _WHOLE
        number = entries["owner"]
        return Look(share=share, owner=self._mark if number == self._number else f"owner {number}")

    async def _must_be_ours(self, proxy: Proxy, fence: int) -> int:
        """The proxy's own time, once the share is known to be ours to move."""
        source = proxy.runtime.source
        entries, now = await asyncio.gather(self._entries(proxy), proxy.now_ms())
        skew = abs(now / 1000 - self._clock.now().timestamp())
        if skew > self._settings.most_skew.total_seconds():
            raise SourceRefused(source, f"its clock and ours differ by {skew:.1f} s")
        if entries["expires_ms"] <= now:
            self._must_be_latest(source, entries, fence)
            return now
        if entries["owner"] != self._number:
            raise ForeignChange(source, f"owner {entries['owner']} holds its traffic")
        share = entries["share"] / _WHOLE
        if any(self._asked) and share not in (0.0, *self._asked):
            raise ForeignChange(source, f"somebody else set the share to {share:.1%}")
        self._must_be_latest(source, entries, fence)
        return now

    def _must_be_latest(self, source: str, entries: dict[str, int], fence: int) -> None:
        if entries["owner"] == self._number and entries["fence"] > fence:
            raise ForeignChange(source, "another process of ours has taken its rollout over")

    async def _set(self, proxy: Proxy, share: float, now: int, lease: timedelta, fence: int) -> None:
        values = {
            "owner": self._number,
            "fence": fence,
            "share": round(share * _WHOLE),
            "expires_ms": now + round(lease.total_seconds() * 1000),  # last: nothing is live half set
        }
        await proxy.runtime.put(self._settings.map_file, values)
        found = await self._entries(proxy)
        if found != values:
            raise SourceRefused(proxy.runtime.source, f"was set to {values} and reads {found}")

    async def _home(self, proxy: Proxy) -> None:
        """Its clock is asked only about another's lease: ours goes home even where the clock is broken."""
        entries = await self._entries(proxy)
        foreign = entries["share"] > 0 and entries["owner"] not in {0, self._number}
        if foreign and entries["expires_ms"] > await proxy.now_ms():
            why = f"owner {entries['owner']} holds its traffic; it is not ours to change"
            raise ForeignChange(proxy.runtime.source, why)
        if entries["share"] or entries["expires_ms"]:
            await proxy.runtime.put(self._settings.map_file, {"share": 0, "expires_ms": 0})

    async def _entries(self, proxy: Proxy) -> dict[str, int]:
        entries = await proxy.runtime.entries(self._settings.map_file)
        missing = {"share", "expires_ms", "owner", "fence"} - set(entries)
        if missing:
            raise SourceRefused(proxy.runtime.source, f"its map lacks the keys {', '.join(sorted(missing))}")
        return entries


class HAProxyCounter:
    """A Counter over `show stat`; slow answers from the log where one is configured, else none are seen."""

    def __init__(
        self, settings: HAProxySettings, proxies: Sequence[Proxy], clock: Clock, log: ArmLog | None
    ) -> None:
        self._arms = (settings.stable_backend, settings.canary_backend)
        self._proxies = proxies
        self._clock = clock
        self._log = log

    async def arms(self, slow_ms: tuple[float, float]) -> Arms:
        """Both arms over all proxies."""
        at = self._clock.now()
        tables = await asyncio.gather(*(one.runtime.statistics() for one in self._proxies))
        pairs = list(zip(self._proxies, tables, strict=True))
        stable, canary = (
            add([backend_counts(rows, arm, one.runtime.source) for one, rows in pairs]) for arm in self._arms
        )
        slow = await self._log.arms(slow_ms) if self._log else Arms(at=at, stable=stable, canary=canary)
        return Arms(
            at=at,
            stable=stable.model_copy(update=slow.stable.model_dump(include={"slow90", "slow99"})),
            canary=canary.model_copy(update=slow.canary.model_dump(include={"slow90", "slow99"})),
        )

    async def slow_limits(self) -> tuple[float, float] | None:
        """From the log; None without one."""
        return await self._log.slow_limits() if self._log else None

    def close(self) -> None:
        """Stop listening to the log."""
        if self._log:
            self._log.close()


def haproxy(
    settings: HAProxySettings, web: Web, clock: Clock, mark: str
) -> tuple[HAProxyDial, HAProxyCounter]:
    """The dial and the counter of these settings. `web` asks the proxies' clocks."""
    proxies = [
        Proxy(
            HAProxyRuntime(
                source=f"{settings.name} {one.socket}", address=one.socket, deadline=settings.timeout
            ),
            web,
            one.clock_url,
        )
        for one in settings.members
    ]
    names = (settings.stable_backend, settings.canary_backend)
    log = ArmLog(settings.name, settings.log_listen, names, clock) if settings.log_listen else None
    return HAProxyDial(settings, proxies, clock, mark), HAProxyCounter(settings, proxies, clock, log)


def _socat(socket: str) -> str:
    return f"unix-connect:{socket}" if socket.startswith("/") else f"tcp:{socket}"
