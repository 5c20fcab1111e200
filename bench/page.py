"""From the alert to the evidence page: a million log lines on disk, a thousand series in a real Prometheus.

    python bench/page.py [--lines 1000000] [--series 1000] [--runs 5]

Needs `prometheus` and `promtool` (Debian package prometheus). All data is made up and seeded: gauges,
counters and histograms of ten services, sampled each second over the look-back and backfilled as a block, of
which one service breaks; a log file for each service, of which that one's begins to tell of errors. Timed is
`gather`, which the service runs when an alert came: it asks Prometheus over HTTP, counts the files' messages,
and lays out the page. The operating system holds the files, as it does of lines just written. Seconds by the
clock, and of all processors.
"""

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import httpx2
from metrics import LES

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.adapters.logs.files import FileLogs, FileLogSettings
from steadyhand.adapters.machine import SystemClock
from steadyhand.adapters.metrics.prometheus import Prometheus, PrometheusSettings
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.topology import Service
from steadyhand.responder.investigation.gather import gather
from steadyhand.responder.outside import Outside
from steadyhand.responder.rules import Rules

SERVICES = tuple(f"service-{number}" for number in range(10))
SICK = SERVICES[0]
CAUSE = SERVICES[3]
LOOKBACK_S = 900
BROKE_S = 120  # so long before the end
PORT = 19_890


def rules() -> Rules:
    """Ten services of which the alerting one calls all others."""
    found = tuple(
        Service(
            name=one,
            depends_on=SERVICES[1:] if one == SICK else (),
            metrics=(f'{{service="{one}"}}',),
        )
        for one in SERVICES
    )
    return Rules(services=found)


def exposition(path: Path, count: int, start: int) -> None:
    """OpenMetrics text of that many series, one sample a second."""
    luck = random.Random(3)  # noqa: S311 - made-up samples
    families: dict[str, list[str]] = {}
    made = 0
    while made < count:
        service, part = SERVICES[made % len(SERVICES)], made // len(SERVICES)
        name, lines = _family(luck, service, part, start)
        families.setdefault(name, []).extend(lines)
        made += len(LES) if name.startswith("histogram") else 1
    with path.open("w", encoding="utf-8") as out:
        for name, lines in families.items():
            kind, metric = name.split(" ")
            out.write(f"# TYPE {metric} {kind}\n")
            out.writelines(lines)
        out.write("# EOF\n")


def _family(luck: random.Random, service: str, part: int, start: int) -> tuple[str, list[str]]:
    kind = part % 10
    labels = f'service="{service}",part="{part}"'
    broken = LOOKBACK_S - BROKE_S if service == CAUSE else LOOKBACK_S
    if kind == 9:
        return "histogram answer_seconds", _buckets(luck, labels, broken, start)
    if kind < 5:
        levels = (luck.gauss(40, 2) * (3 if second >= broken else 1) for second in range(LOOKBACK_S))
        return f"gauge queue_depth_{kind}", [
            f"queue_depth_{kind}{{{labels}}} {value:.3f} {start + second}\n"
            for second, value in enumerate(levels)
        ]
    total, lines = 0, []
    for second in range(LOOKBACK_S):
        total += max(0, round(luck.gauss(50, 7) * (3 if second >= broken else 1)))
        lines.append(f"jobs_{kind}_total{{{labels}}} {total} {start + second}\n")
    return f"counter jobs_{kind}", lines


def _buckets(luck: random.Random, labels: str, broken: int, start: int) -> list[str]:
    totals, lines = [0] * len(LES), {one: [] for one in LES}
    for second in range(LOOKBACK_S):
        answers = max(0, round(luck.gauss(50, 7)))
        for index, share in enumerate((0.3, 0.6, 0.85, 0.95, 0.99, 1.0)):
            kept = share / 4 if second >= broken and share < 1 else share
            totals[index] += round(answers * kept)
            le = LES[index]
            lines[le].append(
                f'answer_seconds_bucket{{{labels},le="{le}"}} {totals[index]} {start + second}\n'
            )
    return [one for le in LES for one in lines[le]]


def write_logs(folder: Path, count: int, start: int) -> None:
    """A file for each service, their lines in order of time."""
    luck = random.Random(4)  # noqa: S311 - made-up lines
    each = count // len(SERVICES)
    for service in SERVICES:
        with (folder / f"{service}.log").open("w", encoding="utf-8") as out:
            for index in range(each):
                second = LOOKBACK_S * index / each
                at = datetime.fromtimestamp(start + second, UTC)
                out.write(
                    f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z {_line(luck, service, second)}\n"
                )


def _line(luck: random.Random, service: str, second: float) -> str:
    number = luck.randrange(10**6)
    if service == CAUSE and second >= LOOKBACK_S - BROKE_S and number % 5 == 0:
        return f"ERROR pool exhausted, waited {number % 900} ms for a connection to db-{number % 3}"
    return (
        f"INFO GET /api/orders/{number} 200 in {number % 40} ms user={number % 5000}",
        f"INFO cache hit key=order:{number} ttl={number % 300}",
        f"DEBUG job {number} done, {number % 17} rows written to shard {number % 8}",
        f"INFO request {number:x} from 10.0.{number % 200}.{number % 250} accepted",
    )[number % 4]


@contextmanager
def prometheus(folder: Path, text: Path) -> Iterator[str]:
    """A real server with these samples as a block."""
    _say("backfilling the block")
    data = folder / "data"
    tool, server = shutil.which("promtool"), shutil.which("prometheus")
    if not tool or not server:
        raise SystemExit("needs prometheus and promtool: apt-get install prometheus")
    subprocess.run([tool, "tsdb", "create-blocks-from", "openmetrics", "-q", text, data], check=True)  # noqa: S603
    (folder / "prometheus.yml").write_text("{}\n")
    url = f"http://127.0.0.1:{PORT}"
    command = [
        server, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error", "--storage.tsdb.retention.time=30d",
    ]  # fmt: skip
    with subprocess.Popen(command) as running:  # noqa: S603 - our own words
        try:
            _until_ready(url)
            yield url
        finally:
            running.terminate()


def _until_ready(url: str) -> None:
    for _ in range(100):
        try:
            with urlopen(f"{url}/-/ready", timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("prometheus did not start")


def _say(text: str) -> None:
    print(f"... {text}", flush=True)


class Stopped(SystemClock):
    """A clock that stands at the end of the data."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """That instant."""
        return self._now


async def timed(url: str, folder: Path, end: datetime, runs: int) -> Page:
    """The page, and how long each time took."""
    clock: list[float] = []
    cpu: list[float] = []
    async with httpx2.AsyncClient(trust_env=False) as client:
        logs = FileLogSettings(files={one: (str(folder / f"{one}.log"),) for one in SERVICES})
        ledger = SqlLedger(folder / "bench.db")
        outside = Outside(
            rules=rules(), clock=Stopped(end), ledger=ledger, new_id=lambda prefix: prefix, owner="bench",
            logs=(FileLogs(logs),), metrics=(Prometheus(PrometheusSettings(url=url), client),),
        )  # fmt: skip
        for _ in range(runs):
            began, worked = time.perf_counter(), _worked()
            page = await gather(outside, _incident(end))
            clock.append(time.perf_counter() - began)
            cpu.append(_worked() - worked)
        ledger.close()
    print("| alert to page | median s | worst s |\n|---|---|---|")
    print(f"| by the clock | {median(clock):.2f} | {max(clock):.2f} |")
    print(f"| of processors (ours and those that count lines) | {median(cpu):.2f} | {max(cpu):.2f} |")
    return page


def _worked() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _incident(at: datetime) -> Incident:
    alert = Alert(
        source="bench", dedup_key="a", name="HighLatency", service=SICK, status="firing", severity="critical",
        starts_at=at,
    )  # fmt: skip
    incident, _ = open_incident("inc-bench", alert, ("SEV2", "bench"), rules().policy("SEV2"), at)
    return incident


def main() -> None:
    """Print the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--series", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    start = int(end.timestamp()) - LOOKBACK_S
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _say(f"writing {given.lines:,} lines and {given.series:,} series of {LOOKBACK_S} samples")
        write_logs(folder, given.lines, start)
        exposition(folder / "samples.txt", given.series, start)
        with prometheus(folder, folder / "samples.txt") as url:
            page = asyncio.run(timed(url, folder, end, given.runs))
    print(render(page))


if __name__ == "__main__":
    main()
