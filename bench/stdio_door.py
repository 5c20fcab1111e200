"""How long a session waits for its tools: the stdio door against the same MCP server run directly on stdio.

    python bench/stdio_door.py [--rounds N]

Both sides alternate (A B A B ...), in both protocol eras; the service behind the door is warm.
Wall time from the start of the process to the answer of the first tools/list; CPU is the process's own.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
sys.path.insert(0, str(TESTS))

from plugin.running import PIPE, standin  # noqa: E402  the tests' stand-in is the server on both sides

PLAIN = (
    "from pathlib import Path; from plugin.standin import Stage, server_of; "
    "server_of(Stage(Path('{home}')), probes=False).run('stdio')"
)
MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "0"},
}
TALKS: Mapping[str, list[dict[str, object]]] = {
    "2026-07-28": [
        {"id": 1, "method": "server/discover", "params": MODERN},
        {"id": 2, "method": "tools/list", "params": MODERN},
    ],
    "2025-11-25": [
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ],
}


def seconds_to_tools(command: list[str], env: Mapping[str, str], talk: list[dict[str, object]]) -> float:
    """Wall seconds from start to the tools; says each next line only when the one before was answered."""
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  both sides are our own
        command, cwd=TESTS, env={**os.environ, **env},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        for message in talk:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline()) if "id" in message else {}
        took = time.perf_counter() - began
        assert answer["result"]["tools"]
        process.stdin.close()
    return took


def main() -> None:
    """Print one line per era: the medians of both sides and their ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, standin(Path(folder)) as service:
        sides = {
            "plain": [sys.executable, "-c", PLAIN.format(home=folder)],
            "door": [sys.executable, "-IS", str(PIPE)],
        }
        env = {"STEADYHAND_HOME": str(service.home)}
        for era, talk in TALKS.items():
            walls: dict[str, list[float]] = {"plain": [], "door": []}
            cpus: dict[str, list[float]] = {"plain": [], "door": []}
            for _ in range(rounds):
                for side, command in sides.items():
                    before = resource.getrusage(resource.RUSAGE_CHILDREN)
                    walls[side].append(seconds_to_tools(command, env, talk))
                    after = resource.getrusage(resource.RUSAGE_CHILDREN)
                    cpus[side].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            report(era, walls, cpus)


def report(era: str, walls: Mapping[str, list[float]], cpus: Mapping[str, list[float]]) -> None:
    """One line for people and for grep."""
    wall = {side: statistics.median(seen) for side, seen in walls.items()}
    cpu = {side: statistics.median(seen) for side, seen in cpus.items()}
    print(
        f"{era}: plain {wall['plain']:.3f} s ({min(walls['plain']):.3f}-{max(walls['plain']):.3f}),"
        f" door {wall['door']:.3f} s ({min(walls['door']):.3f}-{max(walls['door']):.3f}),"
        f" {wall['plain'] / wall['door']:.1f}x faster; CPU {cpu['plain']:.3f} s against {cpu['door']:.3f} s"
    )


if __name__ == "__main__":
    main()
