"""An alert storm on loopback: our service, durable before it answers, beside a real Alertmanager, in one run.

    python bench/intake.py                      # A B A B: 10,000 alerts in 200 groups, then five times again
    python bench/intake.py --size 1 --repeats 1 # the same with one alert in each post
    python bench/intake.py --kill               # the first storm, our service killed -9 in the middle of it

Each post holds alerts of one group, as Alertmanager posts and takes them. Both are asked by the same client
over the same number of kept connections; the work of the client is in the figures of both. A post counts once
it is answered: ours is on disk by then and may wait to be heard. How long that takes is measured as well:
from the last answer until all is heard, and until all that follows is done: pages sent, evidence read.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

GROUPS, ALERTS, CONNECTIONS = 200, 10_000, 8
STAMP = "2026-01-31T02:00:00Z"


@dataclass(frozen=True)
class Target:
    """Who is asked: where, at which path, with which headers."""

    name: str
    port: int
    path: str
    token: str = ""

    def request(self, body: bytes) -> bytes:
        """The whole request, ready to be written."""
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True)
class Measured:
    """One storm: alerts accepted each second, and how long a post took, in ms."""

    rate: float
    p50: float
    p99: float
    refused: int
    waiting: int = 0
    heard_s: float = 0
    done_s: float = 0


def alerts(place: int, size: int) -> list[dict[str, object]]:
    """The alerts of one post, all of one group, each with labels as Prometheus has them."""
    group, first = place % GROUPS, place // GROUPS * size
    return [
        {
            "status": "firing",
            "labels": {
                "alertname": "HighLatency",
                "service": f"svc-{group:03}",
                "severity": "warning",
                "instance": f"10.0.{group}.{number}:9090",
            },
            "annotations": {"summary": f"p95 of instance {number} is above 1 s"},
            "startsAt": STAMP,
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=p95+%3E+1",
            "fingerprint": f"{group:08x}{number:08x}",
        }
        for number in range(first, first + size)
    ]


def ours(place: int, size: int) -> bytes:
    """A post as Alertmanager would send it to us."""
    key = f'{{}}:{{service="svc-{place % GROUPS:03}"}}'
    return json.dumps(
        {"version": "4", "groupKey": key, "status": "firing", "alerts": alerts(place, size)}
    ).encode()


def theirs(place: int, size: int) -> bytes:
    """The same alerts as Prometheus would send them to Alertmanager."""
    kept = ("labels", "annotations", "startsAt", "generatorURL")
    return json.dumps([{name: one[name] for name in kept} for one in alerts(place, size)]).encode()


async def storm(target: Target, posts: Sequence[bytes], size: int, accepted: list[int]) -> Measured:
    """Post all of them over a few connections; `accepted` grows by the place of each that was."""
    queue = list(enumerate(target.request(one) for one in posts))[::-1]
    took: list[float] = []

    async def sender() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        try:
            while queue:
                place, request = queue.pop()
                began = time.perf_counter()
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                took.append((time.perf_counter() - began) * 1000)
                if head.split(b" ")[1][:1] == b"2":
                    accepted.append(place)
        finally:
            writer.close()

    began = time.perf_counter()
    done = await asyncio.gather(*(sender() for _ in range(CONNECTIONS)), return_exceptions=True)
    elapsed = time.perf_counter() - began
    broken = [one for one in done if isinstance(one, Exception)]
    ranked = sorted(took) or [0.0]
    refused = len(posts) - len(accepted)
    p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
    if broken and not accepted:
        raise broken[0]
    return Measured(len(accepted) * size / elapsed, median(ranked), p99, refused)


@contextmanager
def alertmanager(folder: Path) -> Iterator[Target]:
    """A real one that tells nobody."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        sys.exit("no Alertmanager here: apt-get install prometheus-alertmanager")
    config, port = folder / "am.yml", free_port()
    config.write_text(
        "route: {receiver: none, group_by: [service]}\nreceivers: [{name: none}]\n", encoding="utf-8"
    )
    options = [f"--config.file={config}", f"--storage.path={folder / 'am'}", "--cluster.listen-address="]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with child([program, *options], port):
        yield Target("alertmanager", port, "/api/v2/alerts")


@contextmanager
def service(folder: Path, port: int = 0) -> Iterator[tuple[Target, "subprocess.Popen[bytes]"]]:
    """Our service, as it is installed, on a store of its own."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    config = home / "incident-config.yaml"
    config.write_text(
        f"connections: {{channels: [{{kind: terminal, path: {home / 'pages'}}}]}}\n", encoding="utf-8"
    )
    port = port or free_port()
    (home / "service.json").unlink(missing_ok=True)  # of a life before
    command = [sys.executable, "-m", "steadyhand", "serve", "--config", str(config), "--port", str(port)]
    with child(command, port, {"STEADYHAND_HOME": str(home)}) as running:
        until((home / "service.json").exists)
        token = (home / "ingest.token").read_text(encoding="ascii").strip()
        yield Target("steadyhand", port, "/alerts/alertmanager", token), running


@contextmanager
def child(
    command: list[str], port: int, environment: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that listens on this port, ended with the block."""
    whole = {**os.environ, **(environment or {})}
    running = subprocess.Popen(command, env=whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        until(lambda: listens(port))
        yield running
    finally:
        running.terminate()
        running.wait(20)


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(ready: Callable[[], bool], limit_s: float = 90) -> None:
    """Wait for it, not for ever."""
    ends = time.monotonic() + limit_s
    while not ready():
        if time.monotonic() > ends:
            sys.exit("it did not come up")
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def side_by_side(folder: Path, rounds: int, size: int, repeats: int) -> None:
    """A B A B, each time from nothing: all of them new, then repeated."""
    print(f"{ALERTS:,} alerts, {GROUPS} groups, {size} a post, {CONNECTIONS} connections, load {load()}")
    found: dict[tuple[str, str], list[Measured]] = {}
    for turn in range(rounds):
        for name, measure in (("alertmanager", of_theirs), ("steadyhand", of_ours)):
            here = folder / f"{name}-{turn}"
            here.mkdir()
            for phase, one in zip(("new", "repeated"), measure(here, size, repeats), strict=True):
                found.setdefault((phase, name), []).append(one)
                print(f"round {turn + 1} {phase:9} {name:13} {one.rate:,.0f} alerts/s, p99 {one.p99:.1f} ms")
    for phase in ("new", "repeated"):
        show(phase, found[phase, "alertmanager"], found[phase, "steadyhand"])
    print(f"load {load()}")


def load() -> str:
    """How busy the machine was in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def of_theirs(folder: Path, size: int, repeats: int) -> Iterator[Measured]:
    """New alerts, then the same again, to a real Alertmanager."""
    bodies = [theirs(place, size) for place in range(ALERTS // size)]
    with alertmanager(folder) as target:
        for times in (1, repeats):
            yield asyncio.run(storm(target, bodies * times, size, []))


def of_ours(folder: Path, size: int, repeats: int) -> Iterator[Measured]:
    """The same to our service; each storm waits until all that follows from the one before is done."""
    bodies = [ours(place, size) for place in range(ALERTS // size)]
    with service(folder) as (target, _):
        for times in (1, repeats):
            found = asyncio.run(storm(target, bodies * times, size, []))
            waiting = count(folder, "alert_waiting")
            ended = time.monotonic()
            until(lambda: not count(folder, "alert_waiting"), 300)
            heard = time.monotonic() - ended
            until(lambda: settled(folder), 300)
            whole = time.monotonic() - ended
            yield replace(found, waiting=waiting, heard_s=heard, done_s=whole)
        account(folder, 1 + repeats)


def show(phase: str, them: Sequence[Measured], us: Sequence[Measured]) -> None:
    """Both sides in a line each, and their ratio."""
    for name, found in (("alertmanager", them), ("steadyhand", us)):
        rates = ", ".join(f"{one.rate:,.0f}" for one in found)
        rate, p50, p99 = (median(getattr(one, of) for one in found) for of in ("rate", "p50", "p99"))
        refused = sum(one.refused for one in found)
        line = f"{phase:9} {name:13} {rate:>9,.0f} alerts/s ({rates})"
        print(f"{line}  p50 {p50:.1f} ms  p99 {p99:.1f} ms  refused {refused}")
    waiting, heard, done = (median(getattr(one, of) for one in us) for of in ("waiting", "heard_s", "done_s"))
    print(f"{phase:9} then {waiting:.0f} posts wait; all heard in {heard:.1f} s, all done in {done:.1f} s")
    ratios = [ours.rate / theirs.rate for theirs, ours in zip(them, us, strict=True)]
    each = ", ".join(f"{one:.2f}" for one in ratios)
    print(f"{phase:9} ours/theirs {median(ratios):.2f} (of each round: {each})")


def killed(folder: Path, size: int) -> None:
    """The storm, a kill -9 in the middle, a new start, and a second try of what was not accepted."""
    bodies = [ours(place, size) for place in range(ALERTS // size)]
    port = free_port()
    with service(folder, port) as (target, running):

        async def cut_short() -> list[int]:
            accepted: list[int] = []
            storming = asyncio.create_task(storm(target, bodies, size, accepted))
            while len(accepted) < len(bodies) // 2:  # noqa: ASYNC110 - it grows in this very loop
                await asyncio.sleep(0.005)
            running.send_signal(signal.SIGKILL)
            await storming
            return accepted

        accepted = asyncio.run(cut_short())
    kept = stored(folder)
    wanted = {str(one["fingerprint"]) for place in accepted for one in alerts(place, size)}
    print(f"killed after {len(accepted)} of {len(bodies)} posts were accepted")
    print(f"{len(wanted)} alerts accepted, {len(kept)} on disk; accepted and lost: {len(wanted - kept)}")
    with service(folder, port) as (target, _):
        again = [one for place, one in enumerate(bodies) if place not in set(accepted)]
        asyncio.run(storm(target, again, size, []))
        until(lambda: settled(folder), 300)
    account(folder)


def account(folder: Path, times: int = 0) -> None:
    """Every alert has an incident and was counted each time it came; people are told once for a group."""
    heard = rows(folder, "select count from alert_track where incident is not null")
    exact = sum(one == (times,) for one in heard)
    pages, groups = paged(folder)
    counted = f", {exact:,} of them heard exactly {times} times" if times else ""
    print(f"accounted for: {len(heard):,} alerts{counted}; {groups} incidents, {pages} pages")


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    """What the store of the service in this folder holds."""
    with sqlite3.connect(folder / "home" / "steadyhand.db") as db:
        return db.execute(query).fetchall()


def count(folder: Path, table: str, where: str = "1=1") -> int:
    """How many rows there are."""
    return int(str(rows(folder, f"select count(*) from {table} where {where}")[0][0]))  # noqa: S608 - our own words


def settled(folder: Path) -> bool:
    """Whether nothing waits to be heard, is due, or is under way."""
    now = round(time.time() * 1000)
    due = f"(state='armed' and due_at<={now}) or state='leased'"
    leaving = f"(state='queued' and due_at<={now}) or state='sending'"
    idle = not count(folder, "timer", due) and not count(folder, "outbox", leaving)
    return idle and not count(folder, "alert_waiting")


def stored(folder: Path) -> set[str]:
    """The alerts that are on disk: those that belong to an incident, and those of posts not heard yet."""
    heard = rows(folder, "select dedup_key from alert_track where incident is not null")
    waiting = rows(folder, "select raw from alert_post join alert_waiting on post=id")
    told = (alert for (text,) in waiting for alert in json.loads(str(text))["alerts"])
    return {str(one[0]) for one in heard} | {str(one["fingerprint"]) for one in told}


def paged(folder: Path) -> tuple[int, int]:
    """How many pages there are, and how many incidents."""
    (groups,) = rows(folder, "select count(distinct incident) from alert_track")[0]
    return count(folder, "outbox", "key like '%:page:%'"), int(str(groups))


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=ALERTS // GROUPS, help="alerts of one post")
    parser.add_argument("--repeats", type=int, default=5, help="how often the same comes again")
    parser.add_argument("--kill", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.kill:
            killed(Path(folder), given.size)
        else:
            side_by_side(Path(folder), given.rounds, given.size, given.repeats)


if __name__ == "__main__":
    main()
