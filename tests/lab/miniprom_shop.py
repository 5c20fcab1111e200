"""A scripted shop to scrape: a restart, a series that vanishes, a target that dies."""

import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import yaml

RESTARTED_AT, DOWN_SCRAPES = 14, 3
VANISHED = range(12, 20)
DIED_AT = 22


@dataclass
class Exporter:
    """One scripted target: what it serves depends only on how often it was asked; it also takes webhooks."""

    number: int
    scraped: int = 0
    posts: list[bytes] = field(default_factory=list)

    def text(self) -> str | None:
        n = self.scraped
        self.scraped += 1
        if self.number == 0 and RESTARTED_AT <= n < RESTARTED_AT + DOWN_SCRAPES:
            return None
        age = n - RESTARTED_AT - DOWN_SCRAPES if self.number == 0 and n >= RESTARTED_AT else n + 3
        return exposition(self.number, n, age)


def exposition(number: int, n: int, age: int) -> str:
    grown = age * age + 3 * age
    timeouts = 3 * age if n > DIED_AT else age // 2
    lines = ["# HELP shop_requests_total requests", "# TYPE shop_requests_total counter"]
    for route, weight in (("/product", 7), ("/orders", 3), ("/checkout", 2)):
        lines += [
            f'shop_requests_total{{route="{route}",code="{code}"}} {grown * weight * share + number}'
            for code, share in (("200", 1.5), ("500", 0.25 if n > VANISHED.start else 0))
        ]
        lines += histogram(route, weight * age, slow=n > VANISHED.start)
    lines += [
        f'shop_cache_requests_total{{result="hit"}} {age if n > DIED_AT else 5 * age}',
        f'shop_cache_requests_total{{result="miss"}} {2 * age}',
        f'shop_outbound_duration_seconds_count{{target="payments",outcome="ok"}} {3 * age}',
        f'shop_outbound_duration_seconds_count{{target="payments",outcome="timeout"}} {timeouts}',
        f'haproxy_backend_http_responses_total{{proxy="shop",code="2xx"}} {9 * age}',
        f'haproxy_backend_http_responses_total{{proxy="shop",code="5xx"}} {age if n > DIED_AT else 0}',
        f"shop_db_pool_waiting {(n * 7) % 11 - 2}",
        f'shop_db_pool_connections{{state="in_use"}} {n % 5}',
        f'shop_db_pool_connections{{state="idle"}} {5 - n % 5}',
        f"process_resident_memory_bytes {5.4e7 + n * n * 2.5e5 * (number + 1)}",
        f"pg_blocked_sessions {n % 7}",
        f"redis_up {int(n < DIED_AT)}",
        f'node_filesystem_avail_bytes{{mountpoint="/var/spool"}} {4.8e7 - n * 1e6}',
        'node_filesystem_size_bytes{mountpoint="/var/spool"} 4.8e+07',
        f'sometimes_odd{{kind="nan \\"quoted\\""}} {"NaN" if n % 3 else n}',
        f'sometimes_odd{{kind="inf, {{braced}}"}} {"+Inf" if n % 4 else -n}',
        'collides{job="own",instance="mine"} 1',
    ]
    if n not in VANISHED:
        lines.append(f'vanishing{{part="p"}} {n}')
    if n > VANISHED.start:
        lines.append(f"young_total {n - VANISHED.start}")
    return "\n".join(lines) + "\n"


def histogram(route: str, count: int, *, slow: bool) -> list[str]:
    shares = {"0.05": 0.1 if slow else 0.7, "0.5": 0.4 if slow else 0.93, "2": 0.9, "+Inf": 1.0}
    name = "shop_request_duration_seconds"
    buckets = [
        f'{name}_bucket{{route="{route}",le="{bound}"}} {count * share}' for bound, share in shares.items()
    ]
    return [
        *buckets,
        f'{name}_sum{{route="{route}"}} {count * 0.3}',
        f'{name}_count{{route="{route}"}} {count}',
    ]


@contextmanager
def served(exporter: Exporter) -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text()
            self.send_response(503 if body is None else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def do_POST(self) -> None:
            exporter.posts.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(folder: Path, targets: Sequence[str], rules: dict[str, object]) -> Iterator[httpx2.Client]:
    """Run the real Prometheus on a free port, scraping and evaluating four times a second."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    every = "250ms"
    config = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": list(targets)}]}],
    }
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with (
        subprocess.Popen(command) as process,
        httpx2.Client(base_url=f"http://{address}", trust_env=False) as http,
    ):
        try:
            yield http
        finally:
            process.terminate()
            process.wait(timeout=10)
