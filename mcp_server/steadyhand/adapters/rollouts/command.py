"""Traffic moved by commands of yours: typed words from the configuration, never a shell.

`observe` prints what is so; the others set an absolute state and may come twice. What a command prints is
untrusted text. These commands know no lease: the watchdog runs `home` when nobody renews.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from steadyhand.adapters.rollouts.lease import Way
from steadyhand.adapters.rollouts.platform import ArmName, ArmState, ArmStates
from steadyhand.adapters.rollouts.promql import PromqlCounters
from steadyhand.journey.rollout.model import Arms, Counts
from steadyhand.journey.rule import Duration, Rule, Share
from steadyhand.ports import Clock, EffectUnknown, SourceError, SourceRefused, SourceUnavailable

Kind = TypeVar("Kind", bound=BaseModel)
Words = tuple[str, ...]
_MOST_BYTES = 1024 * 1024
_PLACES: Mapping[str, frozenset[str]] = {
    "observe": frozenset(),
    "set_share": frozenset({"{share}", "{percent}"}),
    "home": frozenset(),
    "release": frozenset({"{arm}", "{version}", "{replicas}"}),
    "count": frozenset({"{slow90_ms}", "{slow99_ms}"}),
}


class CommandSettings(Rule):
    """The commands. A place such as {share} stands alone in its word, or after an `=`."""

    kind: Literal["command"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    observe: Words = Field(
        min_length=1, description='Prints {"share", "stable": {"version", "replicas"}, ...}.'
    )
    set_share: Words = Field(min_length=1, description="Sets {share} (0..1) or {percent}.")
    home: Words = Field(min_length=1, description="Share 0, sticky users moved. The watchdog runs it too.")
    release: Words = Field(min_length=1, description="Brings {arm} to {version} on {replicas}; 0 empties it.")
    count: Words = Field(default=(), description="Prints counters of both arms; else `counters` is needed.")
    counters: PromqlCounters | None = Field(default=None, description="Instead of `count`.")
    timeout: Duration = Field(default=timedelta(seconds=5), description="For each but `release`.")
    release_timeout: Duration = Field(default=timedelta(seconds=90), description="For `release`.")

    @field_validator("observe", "set_share", "home", "release", "count")
    @classmethod
    def _known_places(cls, words: Words, info: object) -> Words:
        allowed = _PLACES[str(getattr(info, "field_name", ""))]
        for word in words:
            place = word.rpartition("=")[2]
            if place.startswith("{") and place not in allowed:
                raise ValueError(
                    f"{place} is not filled in here; known are: {' '.join(sorted(allowed)) or 'none'}"
                )
        return words

    @model_validator(mode="after")
    def _counts_once(self) -> "CommandSettings":
        if bool(self.count) == bool(self.counters):
            raise ValueError("one of `count` and `counters` is needed")
        return self


class _Arm(BaseModel):
    version: str | None = None
    replicas: int = Field(default=0, ge=0)
    ready: int = Field(default=0, ge=0)

    def state(self) -> ArmState:
        whole = [{"healthy": i < self.ready} for i in range(self.replicas)]
        return ArmState.model_validate({"version": self.version, "replicas": whole})


class _Seen(BaseModel):
    share: Share
    stable: _Arm
    canary: _Arm = _Arm()


class _Counted(BaseModel):
    stable: Counts
    canary: Counts
    slow_limits_ms: tuple[float, float] | None = None


class Commands:
    """A Knob, the Releases and, where `count` is given, the Counter of one service."""

    def __init__(self, settings: CommandSettings, clock: Clock) -> None:
        self.name = settings.name
        self._settings = settings
        self._clock = clock

    async def share(self) -> float:
        """As `observe` prints it."""
        return (await self._look()).share

    async def set_share(self, share: float) -> None:
        """Run it and read back; share 0 is `home`. Raises SourceRefused when it did not come about."""
        places = {"{share}": f"{share:g}", "{percent}": f"{share * 100:g}"}
        await self._order(self._settings.set_share if share else self._settings.home, places)
        now = await self.share()
        if abs(now - share) > 1e-6:  # noqa: PLR2004 - how a decimal may come back
            raise SourceRefused(self.name, f"the share was set to {share:g} and reads {now:g}")

    async def admit(self) -> None:
        """Part of `release`."""

    async def evict(self) -> None:
        """Run `home` once more: it moves sticky users, also where the share was 0 already."""
        await self._order(self._settings.home, {})

    def by_hand(self) -> str:
        """The `home` command."""
        return " ".join(self._settings.home)

    def way(self) -> Way:
        """How the watchdog brings traffic home."""
        return Way(command=self._settings.home)

    async def state(self) -> ArmStates:
        """What both arms run, as `observe` prints it."""
        seen = await self._look()
        return ArmStates(stable=seen.stable.state(), canary=seen.canary.state())

    async def bring(self, arm: ArmName, version: str, replicas: int, summary: str) -> None:  # noqa: ARG002
        """Run `release` and read back. Raises SourceRefused when it did not come about."""
        if version.startswith("-"):
            raise SourceRefused(self.name, f"{version!r} would be taken for an option")
        if getattr(await self.state(), arm).runs(version, replicas):
            return
        places = {"{arm}": arm, "{version}": version, "{replicas}": f"{replicas}"}
        await self._order(self._settings.release, places, self._settings.release_timeout)
        found: ArmState = getattr(await self.state(), arm)
        if not found.runs(version, replicas):
            seen = f"{found.ready} of {replicas} replicas healthy, version {found.version}"
            raise SourceRefused(self.name, f"the {arm} arm did not come to {version}: {seen}")

    async def arms(self, slow_ms: tuple[float, float]) -> Arms:
        """As `count` prints them."""
        counted = await self._count(slow_ms)
        return Arms(at=self._clock.now(), stable=counted.stable, canary=counted.canary)

    async def slow_limits(self) -> tuple[float, float] | None:
        """As `count` prints them under `slow_limits_ms`; None where it does not."""
        return (await self._count((0.0, 0.0))).slow_limits_ms

    def close(self) -> None:
        """Nothing is held open."""

    async def _look(self) -> _Seen:
        return self._understood(_Seen, await self._read(self._settings.observe, {}), "observe")

    async def _count(self, slow_ms: tuple[float, float]) -> _Counted:
        places = {"{slow90_ms}": f"{slow_ms[0]:g}", "{slow99_ms}": f"{slow_ms[1]:g}"}
        return self._understood(_Counted, await self._read(self._settings.count, places), "count")

    async def _read(self, words: Words, places: Mapping[str, str]) -> bytes:
        return await self._run(words, places, self._settings.timeout, SourceUnavailable)

    async def _order(self, words: Words, places: Mapping[str, str], limit: timedelta | None = None) -> None:
        await self._run(words, places, limit or self._settings.timeout, EffectUnknown)

    async def _run(
        self, words: Words, places: Mapping[str, str], limit: timedelta, late: type[SourceError]
    ) -> bytes:
        argv = [_filled(word, places) for word in words]
        try:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise SourceRefused(self.name, f"{argv[0]} cannot be run: {error}") from error
        try:
            out, err = await asyncio.wait_for(child.communicate(), limit.total_seconds())
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # and whatever it started
            await child.wait()
            if isinstance(error, TimeoutError):
                raise late(self.name, f"{argv[0]} did not end within {limit.total_seconds():g} s") from error
            raise
        if child.returncode:
            told = " ".join(err.decode(errors="replace").split())[-200:]
            raise SourceRefused(self.name, f"{argv[0]} ended with {child.returncode}: {told}")
        return out[:_MOST_BYTES]

    def _understood(self, kind: type[Kind], text: bytes, name: str) -> Kind:
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise SourceRefused(
                self.name, f"`{name}` printed no such JSON: {where} {first['msg']}"
            ) from error


def _filled(word: str, places: Mapping[str, str]) -> str:
    """The word with its place filled in: the whole word, or what stands after its last `=`."""
    before, sign, place = word.rpartition("=")
    return before + sign + places.get(place, place)
