"""A lease on a service's traffic: a file that says who holds it, and the watchdog that enforces it."""

import asyncio
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from steadyhand.adapters.rollouts import watchdog
from steadyhand.ports import ForeignChange, SourceRefused, SourceUnavailable

_START_S = 20.0  # a standby has to find its credentials and to reach its target


class Held(BaseModel):
    """What the lease file says. `sequence` rises with each renewal; the watchdog needs no common clock.

    `fence` is the latest holder's: a process that was overtaken while it slept has a lower one.
    """

    model_config = ConfigDict(frozen=True)

    owner: str
    share: float
    previous: float
    sequence: int
    lease_s: float
    active: bool
    admin: str = ""
    key: str = ""
    command: tuple[str, ...] = ()
    standby: bool = False
    fence: int = 0


class Way(BaseModel):
    """How the watchdog brings traffic home: Envoy's runtime key, or a command (0: traffic is home).

    `standby`: the command is started with the lease and told by a line, as `watchdog.Standby` says.
    """

    model_config = ConfigDict(frozen=True)

    admin: str = ""
    key: str = ""
    command: tuple[str, ...] = ()
    standby: bool = False


class Lease:
    """The lease of one service, taken in the name of `owner`."""

    def __init__(self, folder: Path, service: str, owner: str, way: Way) -> None:
        self._folder = folder
        self._service = service
        self._owner = owner
        self._way = way

    def read(self) -> Held | None:
        """The lease as it was last written, if it ever was. Raises SourceRefused when it is unreadable."""
        try:
            return Held.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise SourceRefused(self._service, f"the lease {self._file} is unreadable") from error

    def ours(self) -> Held | None:
        """Our own lease, running or over. Raises ForeignChange while somebody else holds it."""
        held = self.read()
        if held is None or held.owner == self._owner:
            return held
        if held.active:
            raise ForeignChange(self._service, f"{held.owner} holds its traffic")
        return None

    async def hold(self, share: float, span: timedelta, fence: int = 0) -> None:
        """Take or renew it, and see to it that a watchdog is there before traffic moves.

        Raises SourceUnavailable when none would start, ForeignChange when a later holder was here.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._mutex():
            held = self.ours()
            if held and held.fence > fence:
                raise ForeignChange(self._service, "another process of ours has taken its rollout over")
            fresh = Held(
                owner=self._owner,
                share=share,
                previous=held.share if held else 0.0,
                sequence=held.sequence + 1 if held else 1,
                lease_s=span.total_seconds(),
                active=True,
                **self._way.model_dump(),
                fence=fence,
            )
            self._write(fresh)
            watched = self._is_watched()
        if not watched:
            await self._start_watchdog()

    def end(self) -> None:
        """Say that traffic is home; the watchdog goes. Without a lease there is nothing to end."""
        if not self._file.exists():
            return
        with self._mutex():
            held = self.ours()
            if held is not None:
                fresh = {"share": 0.0, "previous": 0.0, "active": False, "sequence": held.sequence + 1}
                self._write(held.model_copy(update=fresh))

    async def _start_watchdog(self) -> None:
        script = str(Path(watchdog.__file__))
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", script, str(self._folder.absolute()), self._service),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = await asyncio.wait_for(child.wait(), _START_S)
        except TimeoutError:
            child.kill()
            code = await child.wait()
        if code != 0:
            raise SourceUnavailable(
                self._service, "the watchdog of its traffic did not start, or saw no way home"
            )

    def _is_watched(self) -> bool:
        with (self._folder / f"{self._service}.watchdog.lock").open("a", encoding="ascii") as alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def _mutex(self) -> Iterator[None]:
        with (self._folder / f"{self._service}.lease.lock").open("a", encoding="ascii") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield

    def _write(self, held: Held) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(held.model_dump_json(), encoding="utf-8")
        fresh.replace(self._file)

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._service}.lease.json"
