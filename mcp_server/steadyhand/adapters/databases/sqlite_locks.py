"""Which processes hold a SQLite file: SQLite's locks are ranges of bytes, and Linux lists who holds which.

The file itself is not opened for it: closing it again would take the locks of this very process away.
Bytes and their meaning: SQLite's documentation of its file format, and of its write-ahead log's index.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from steadyhand.journey.evidence.model import Session

_LISTED = Path("/proc/locks")
_PENDING, _RESERVED, _SHARED = 0x40000000, 0x40000001, 0x40000002
_LOG_WRITE, _LOG_CHECKPOINT, _LOG_READ, _LOG_READ_LAST = 120, 121, 123, 127
_FIELDS = 8
_GLANCES = 10
WRITING = frozenset({"writes", "commits"})


_RANKS = ("reads", "checkpoints", "writes", "commits")


def told() -> bool:
    """Whether this system lists locks."""
    return _LISTED.is_file()


def holders(database: Path, log_index: Path) -> Mapping[int, str]:
    """What each process does with the file now, this one left out: reads, checkpoints, writes or commits."""
    files = {_inode(database): _of_file, _inode(log_index): _of_log}
    found: dict[int, str] = {}
    for inode, exclusive, pid, start, end in _locks():
        if inode in files and pid > 0 and pid != os.getpid():
            does = (found.get(pid, ""), files[inode](exclusive, start, end))
            found[pid] = max(does, key=lambda one: _RANKS.index(one) if one else -1)
    return {pid: does for pid, does in found.items() if does}


def watched(database: Path, log_index: Path, sample_s: float) -> tuple[Session, ...]:
    """Who holds the file at the end of the sample, and for how long of it at least."""
    began = time.monotonic()
    seen = holders(database, log_index)
    since = {(pid, does in WRITING): 0.0 for pid, does in seen.items()}
    for _ in range(_GLANCES):
        time.sleep(sample_s / _GLANCES)
        age, seen = time.monotonic() - began, holders(database, log_index)
        since = {(pid, does in WRITING): since.get((pid, does in WRITING), age) for pid, does in seen.items()}
    age = time.monotonic() - began
    readers = tuple(pid for pid, does in seen.items() if does == "reads")
    return tuple(
        _session(pid, does, age - since[pid, does in WRITING], readers) for pid, does in seen.items()
    )


def _session(pid: int, does: str, held_s: float, readers: Sequence[int]) -> Session:
    """A process as a session. In a file with a rollback journal who commits waits for all who read."""
    blocked_by = tuple(readers) if does == "commits" else ()
    return Session(
        pid=pid,
        application=name_of(pid),
        state=does,
        wait="Lock/file" if blocked_by else "",
        transaction_s=held_s if does in WRITING else 0.0,
        state_s=held_s,
        blocked_by=blocked_by,
    )


def name_of(pid: int) -> str:
    """What the process is called, "" where that is hidden or it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _of_file(exclusive: bool, start: int, end: int) -> str:  # noqa: FBT001 - one column of a listing
    if start == _PENDING or (exclusive and start == _SHARED):
        return "commits"
    if start == _RESERVED:
        return "writes"
    return "reads" if start <= _SHARED <= end else ""


def _of_log(exclusive: bool, start: int, end: int) -> str:  # noqa: FBT001 - same
    if exclusive and start <= _LOG_WRITE <= end:
        return "writes"
    if exclusive and start <= _LOG_CHECKPOINT <= end:
        return "checkpoints"
    return "reads" if _LOG_READ <= start <= _LOG_READ_LAST else ""


def _inode(path: Path) -> str:
    """The file as the listing names it: device and inode."""
    try:
        seen = path.stat()
    except OSError:
        return ""
    return f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}:{seen.st_ino}"


def _locks() -> Iterator[tuple[str, bool, int, int, int]]:
    """Every lock: file, exclusive or not, process, first and last byte. Waiting ones are left out."""
    try:
        lines = _LISTED.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        parts = line.split()
        if len(parts) == _FIELDS and parts[7].isdecimal():
            yield parts[5], parts[3] == "WRITE", int(parts[4]), int(parts[6]), int(parts[7])
