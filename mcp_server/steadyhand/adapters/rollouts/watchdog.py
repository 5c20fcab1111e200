"""A dead-man's switch in a process of its own: when a lease is no longer renewed, traffic goes home.

    python watchdog.py FOLDER NAME

It outlives the service that started it and needs nothing but the standard library. It watches
FOLDER/NAME.lease.json: each renewal raises its `sequence`; when none came for `lease_s` seconds of this
process's own monotonic clock, or when it is told to terminate, it sets the balancer's share to 0, reads it
back, writes a line to FOLDER/NAME.watchdog.log and exits. It also exits when the lease ended, and when the
balancer is gone (nothing listens for 10 s; once restarted its share is 0) or was silent for an hour.

The way home is Envoy's runtime key, or the lease's `command`: words that no shell reads, ended after 30 s;
exit code 0 says that traffic is home. With `standby` the command is started at once, before traffic moves,
and waits for a line (see Standby): a process that has to find its credentials first would come too late.
It dies with this host: only what the target itself enforces does not.
"""

import fcntl
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

_POLL_S = 0.1
_LONGEST_PAUSE_S = 10.0
_ANSWER_S = 0.5
_COMMAND_S = 30.0
_GOODBYE_S = 2.0
_PATIENCE_S = {"gone": 10.0, "silent": 3600.0}
_HOLDS = {
    "owner": str,
    "share": int | float,
    "sequence": int,
    "lease_s": int | float,
    "active": bool,
    "admin": str,
    "key": str,
    "command": list,
    "standby": bool,
}
_EARLIER = {"command": [], "standby": False}  # what a lease of an earlier version does not say
_NOTES = {
    "home": "set the share to 0",
    "gone": "nothing: the balancer is gone, and its share with it",
    "silent": "gave up: the balancer does not answer",
}


class Watchdog:
    """Watches one lease. Whoever holds the lock `alive` is the only one that does."""

    def __init__(self, folder: Path, name: str) -> None:
        self._lease = folder / f"{name}.lease.json"
        self._log = folder / f"{name}.watchdog.log"
        self._mutex = folder / f"{name}.lease.lock"
        self._alive = (folder / f"{name}.watchdog.lock").open("w", encoding="ascii")
        self._told_to_end = False
        self._standby = Standby()

    def take(self) -> bool:
        """Become the one that watches; False when another one does already."""
        try:
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return True

    def is_able(self) -> bool:
        """Whether the way home is open, as far as that can be tried without going it."""
        lease = self._read()
        return not lease.get("standby") or self._standby.start(lease["command"])

    def watch(self) -> None:
        """Return once the lease ended or traffic is home."""
        try:
            self._watch()
        finally:
            self._standby.end()

    def _watch(self) -> None:
        lease = self._read()
        until = time.monotonic() + lease["lease_s"]
        patience = Patience()
        while lease["active"] or not self._released(lease):
            time.sleep(_POLL_S)
            seen = self._read() or lease
            if seen["sequence"] != lease["sequence"]:
                until, patience = time.monotonic() + seen["lease_s"], Patience()
            lease = seen
            late_s = time.monotonic() - until
            if lease["active"] and (late_s >= 0 or self._told_to_end) and patience.tries(time.monotonic()):
                found = self._bring_home(lease)
                if late_s >= _PATIENCE_S.get(found, late_s) and self._released(lease, _NOTES[found]):
                    return

    def _bring_home(self, lease: dict[str, Any]) -> str:
        """Set the share to 0: `home` once the target says so, `gone` when nothing listens, else `silent`."""
        if lease["standby"]:
            return self._standby.bring_home(lease["command"])
        return _run(lease["command"]) if lease["command"] else _reset(lease)

    def _released(self, lease: dict[str, Any], done: str = "") -> bool:
        """Stop watching, unless the lease was renewed in this very moment."""
        with self._mutex.open("w", encoding="ascii") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            now = self._read() or lease
            if now["sequence"] != lease["sequence"]:
                return False
            if done:
                self._note(now, done)
            self._alive.close()
            return True

    def _note(self, lease: dict[str, Any], done: str) -> None:
        why = "told to terminate" if self._told_to_end else f"no renewal for {lease['lease_s']:g} s"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"at": stamp, "did": done, "why": why}
        line |= {name: lease[name] for name in ("owner", "sequence", "share")}
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        fresh = self._lease.with_suffix(".fired")
        fresh.write_text(json.dumps(lease | {"active": False}), encoding="utf-8")
        fresh.replace(self._lease)

    def _read(self) -> dict[str, Any]:
        """The lease, or nothing where none is: one that was spoiled runs out as one never renewed does."""
        try:
            lease: Any = json.loads(self._lease.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(lease, dict):
            return {}
        lease = _EARLIER | lease
        return lease if all(isinstance(lease.get(one), kind) for one, kind in _HOLDS.items()) else {}

    def _terminate(self, *_: object) -> None:
        self._told_to_end = True


class Patience:
    """When to try once more: soon at first, then less often, or a dead target costs a whole core."""

    def __init__(self) -> None:
        self._pause_s = _POLL_S
        self._at = 0.0

    def tries(self, now: float) -> bool:
        """Whether to try at this instant, in seconds of any steady clock."""
        if now < self._at:
            return False
        self._at, self._pause_s = now + self._pause_s, min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return True


class Standby:
    """A process kept ready for the way home: it says `ready`, then at each line `home` goes it and says so.

    It lives on our end of a pipe: however this process ends, the standby reads the end of its input and goes.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str]) -> bool:
        """Whether it runs, and has proven that it can reach the target."""
        self.end()
        try:
            self._child = subprocess.Popen(  # noqa: S603 - of the service's lease
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except (OSError, ValueError):
            return False
        return self._hears("ready")

    def bring_home(self, command: list[str]) -> str:
        """Tell it to, or another one where it is gone: `home` once it says so, else `silent`."""
        if self._child is None and not self.start(command):
            return "silent"
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(b"home\n")
            self._child.stdin.flush()
        except OSError:
            self.end()
            return "silent"  # the next try starts another
        return "home" if self._hears("home") else "silent"

    def end(self) -> None:
        """Let it go, and see it gone."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            child.communicate(timeout=_GOODBYE_S)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            child.kill()
            child.wait()

    def _hears(self, wanted: str) -> bool:
        """Whether its next line is this one. A standby that says nothing in time, or has gone, is ended."""
        assert self._child is not None
        assert self._child.stdout is not None
        line, out, until = b"", self._child.stdout.fileno(), time.monotonic() + _COMMAND_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([out], [], [], max(0.0, until - time.monotonic()))
            more = os.read(out, 1024) if ready else b""
            if not more:
                self.end()
                return False
            line += more
        return line.decode(errors="replace").strip() == wanted


def _reset(lease: dict[str, Any]) -> str:
    address = urlsplit(lease["admin"])
    try:
        _ask(address.netloc, "POST", f"{address.path}/runtime_modify?{quote(lease['key'])}=0")
        entries = json.loads(_ask(address.netloc, "GET", f"{address.path}/runtime"))["entries"]
        return "home" if entries[lease["key"]]["final_value"] == "0" else "silent"
    except ConnectionRefusedError:
        return "gone"
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return "silent"  # the next poll tries again


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, timeout=_COMMAND_S, check=False)  # noqa: S603 - of the service's lease
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "silent"
    return "silent" if done.returncode else "home"


def _ask(netloc: str, method: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(netloc, timeout=_ANSWER_S)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    finally:
        connection.close()


def main(folder: Path, name: str) -> int:
    """Watch from a child of our own; return as soon as it does, so that nobody has to wait for it."""
    ready, say_ready = os.pipe()
    if os.fork():
        os.close(say_ready)
        return 0 if os.read(ready, 1) == b"1" else 1
    watchdog = Watchdog(folder, name)
    taken = watchdog.take()
    able = not taken or watchdog.is_able()
    os.write(say_ready, b"1" if able else b"0")
    os.close(say_ready)
    if taken and able:
        watchdog.watch()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
