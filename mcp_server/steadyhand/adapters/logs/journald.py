"""The journal of systemd: asked through journalctl, or read from files in its export format."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field, model_validator

from steadyhand.adapters.logs.remote import Batch, Counts, RemoteLogSettings, line_of
from steadyhand.journey.evidence.model import Finding, LogLine, Window
from steadyhand.journey.evidence.sampling import Slice
from steadyhand.ports import SourceRefused, SourceUnavailable

_PRIORITIES = ("emerg", "alert", "crit", "error", "warning", "notice", "info", "debug")
_PAGE = 1_000
_LONGEST = 1024 * 1024
_KEPT = ("_PID", "_HOSTNAME", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_COMM", "CODE_FUNC", "CONTAINER_NAME")
_NO_GREP = "pattern matching"
Row = dict[str, object]


class JournaldSettings(RemoteLogSettings):
    """Which journal, and which of its entries are a service's: matches such as _SYSTEMD_UNIT=shop.service."""

    kind: Literal["journald"]
    name: str = "journald"
    directory: str = Field(
        default="", description="Of journal files, e.g. of another host; empty: this host's."
    )
    export: tuple[str, ...] = Field(
        default=(), description="Files that `journalctl -o export` wrote, read in place of a journal."
    )
    program: str = "journalctl"

    @model_validator(mode="after")
    def _matches(self) -> "JournaldSettings":
        for name, one in self.services.items():
            if not one.split() or not all(
                "=" in match and match[:1].isalnum() | (match[:1] == "_") for match in one.split()
            ):
                raise ValueError(f"services.{name}: write matches such as _SYSTEMD_UNIT={name}.service")
        if self.directory and self.export:
            raise ValueError("give directory or export, not both")
        return self


class _CannotGrep(Exception):
    """This journalctl was built without patterns."""


class JournaldStore:
    """A LogStore without counts: a journal can be read backwards, and that is all."""

    evenly = False

    def __init__(self, settings: JournaldSettings) -> None:
        self.name = settings.name
        self._settings = settings

    def finds(self, text: str) -> Finding:  # noqa: ARG002 - a LogStore's
        """As it stands, in messages: journalctl itself looks where it was built to, else it is done here."""
        return "text"

    async def counts(self, service: str, wanted: Slice, width: timedelta) -> Counts:  # noqa: ARG002 - a LogStore's
        """It cannot count without reading."""
        return Counts(known=False)

    async def rare(self, service: str, window: Window) -> Sequence[Slice]:  # noqa: ARG002 - a LogStore's
        """It knows none."""
        return ()

    async def pages(self, service: str, wanted: Slice) -> AsyncGenerator[Batch, None]:
        """Newest first; what cannot be read as an entry is told."""
        if self._settings.export:
            yield await asyncio.to_thread(self._exported, service, wanted)
            return
        grep = _grep(wanted.text)
        try:
            async for batch in self._read(service, wanted, grep):
                yield batch
        except _CannotGrep:
            async for batch in self._read(service, wanted, ()):
                yield _batch([one for one in batch.lines if _holds(one, wanted.text)], batch.gaps)

    async def _read(self, service: str, wanted: Slice, grep: Sequence[str]) -> AsyncGenerator[Batch, None]:
        process = await self._started(service, wanted, grep)
        assert process.stdout is not None
        try:
            rows: list[LogLine] = []
            lost = 0
            while raw := await self._next(process.stdout):
                line = self._line(service, _decoded(raw))
                lost += line is None
                rows += [line] if line else []
                if len(rows) >= _PAGE:
                    yield _batch(rows)
                    rows = []
            said = (await process.stderr.read(300)).decode(errors="replace") if process.stderr else ""
            if await process.wait() and (not grep or _complaint(said)):
                raise _CannotGrep if grep and _NO_GREP in said else self._failed(said)
            yield _batch(rows, (*self._lost(service, lost), *self._unseen(said)))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _failed(self, said: str) -> SourceRefused:
        return SourceRefused(self.name, f"journalctl failed: {' '.join(said.split())}")

    async def _started(self, service: str, wanted: Slice, grep: Sequence[str]) -> asyncio.subprocess.Process:
        span = (
            f"--since=@{wanted.window.start.timestamp():.6f}",
            f"--until=@{wanted.window.end.timestamp():.6f}",
        )
        where = (f"--directory={self._settings.directory}",) if self._settings.directory else ()
        options = ("-o", "json", "-r", "--no-pager", "-n", str(wanted.most), *span, *where, *grep)
        matches = self._settings.services[service].split()
        try:
            return await asyncio.create_subprocess_exec(
                self._settings.program,
                *options,
                "--",
                *matches,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LONGEST,
            )
        except FileNotFoundError as error:
            raise SourceRefused(self.name, f"{self._settings.program} is not installed here") from error
        except OSError as error:
            raise SourceUnavailable(self.name, f"{self._settings.program}: {error.strerror}") from error

    async def _next(self, stdout: asyncio.StreamReader) -> bytes:
        try:
            return await stdout.readline()
        except ValueError as error:
            raise SourceRefused(self.name, f"an entry is longer than {_LONGEST:,} bytes") from error

    def _exported(self, service: str, wanted: Slice) -> Batch:
        """The newest entries of the files that match; the files are read whole."""
        matches = [one.partition("=")[::2] for one in self._settings.services[service].split()]
        found: list[LogLine] = []
        lost = 0
        for path in self._settings.export:
            try:
                with Path(path).open("rb") as file:
                    for row in entries(file):
                        if not all(row.get(key) == value for key, value in matches):
                            continue
                        line = self._line(service, row)
                        lost += line is None
                        if line and _is_wanted(line, wanted):
                            found.append(line)
                        if len(found) > 2 * wanted.most:
                            found = _newest(found, wanted.most)
            except OSError as error:
                raise SourceRefused(self.name, f"{path}: {error.strerror}") from error
            except ValueError as error:
                raise SourceRefused(self.name, f"{path} is not in journalctl's export format") from error
        return _batch(_newest(found, wanted.most)[::-1], self._lost(service, lost))

    def _line(self, service: str, row: Row) -> LogLine | None:
        stamp, priority = str(row.get("__REALTIME_TIMESTAMP", "")), str(row.get("PRIORITY", "6"))
        if not stamp.isdigit():
            return None
        return line_of(
            at=datetime.fromtimestamp(int(stamp) / 1_000_000, UTC),
            service=service,
            severity=_PRIORITIES[int(priority)] if priority in set("01234567") else "",
            message=_text(row.get("MESSAGE")),
            fields={key: row[key] for key in _KEPT if key in row},
            ref=f"{self.name}:{row.get('__CURSOR', stamp)}",
        )

    def _lost(self, service: str, lost: int) -> tuple[str, ...]:
        return (f"{service}: {lost} entries of {self.name} could not be read",) if lost else ()

    def _unseen(self, said: str) -> tuple[str, ...]:
        """It hints at journals of others that this user may not read."""
        hidden = "not seeing messages" in said or "insufficient permissions" in said
        return (
            (f"{self.name}: this user may not read all journals; add it to systemd-journal",)
            if hidden
            else ()
        )


def entries(file: BinaryIO) -> Iterator[Row]:
    """The entries of a file in the export format. Raises ValueError where it is none."""
    row: Row = {}
    while raw := file.readline(_LONGEST):
        line = raw.rstrip(b"\n")
        if not line:
            if row:
                yield row
            row = {}
            continue
        name, equals, value = line.partition(b"=")
        row[name.decode()] = (value if equals else _binary(file)).decode(errors="replace")
    if row:
        yield row


def _binary(file: BinaryIO) -> bytes:
    """A value that holds more than text: its length in eight bytes, itself, a line's end."""
    size = int.from_bytes(file.read(8), "little")
    if size > _LONGEST:
        raise ValueError(f"a field of {size} bytes")
    value = file.read(size)
    if len(value) < size or file.read(1) != b"\n":
        raise ValueError("a field breaks off")
    return value


def _batch(lines: Sequence[LogLine], gaps: tuple[str, ...] = ()) -> Batch:
    """A unit's output is kept line by line, and so is a stack trace in it: a process is a stream."""
    return Batch(lines, gaps, [one.fields.get("_PID", "") for one in lines])


def _grep(text: str) -> Sequence[str]:
    return (f"--grep={re.escape(text)}", "--case-sensitive=no") if text else ()


def _complaint(said: str) -> str:
    """What it said beside hints: a search that finds nothing ends like a failure, and says nothing."""
    return "".join(one for one in said.splitlines() if not one.startswith(("Hint:", " ")))


def _holds(line: LogLine, text: str) -> bool:
    return text.lower() in line.message.lower()


def _is_wanted(line: LogLine, wanted: Slice) -> bool:
    return wanted.window.start <= line.at < wanted.window.end and _holds(line, wanted.text)


def _newest(lines: list[LogLine], most: int) -> list[LogLine]:
    """The last of them, the oldest first; those of one instant stay in their order."""
    return sorted(lines, key=lambda one: one.at)[-most:]


def _decoded(raw: bytes) -> Row:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _text(value: object) -> str:
    """A message; one that is no plain text is given as a list of bytes."""
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return bytes(one & 255 for one in value).decode(errors="replace")
    if isinstance(value, list):  # the field stands there more than once
        return " ".join(map(str, value))
    return "" if value is None else str(value)
