"""INFO of Redis, Valkey or anything that speaks RESP2; it is the only thing ever sent, after AUTH."""

import asyncio
import ssl
from datetime import datetime

from pydantic import SecretStr

from steadyhand.adapters.checks.settings import RedisSettings
from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.ports import SourceRefused, SourceUnavailable

_LARGEST = 256 * 1024
_FULL = 0.9


class RedisCheck:
    """Memory against its limit, clients against theirs, evictions, hit rate, and its part in replication."""

    kind: CheckKind = "redis"

    def __init__(self, settings: RedisSettings, password: SecretStr | None) -> None:
        self.target, self.what = settings.target, f"{settings.host}:{settings.port}"
        self._settings = settings
        self._password = password

    async def run(self, at: datetime) -> Finding:  # noqa: ARG002 - it tells what is now
        """What it says of itself. Raises SourceUnavailable, SourceRefused."""
        limit = self._settings.timeout.total_seconds()
        try:
            async with asyncio.timeout(limit):
                info = await self._info()
        except TimeoutError as error:
            raise SourceUnavailable(self.what, f"no answer within {limit:g} s") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise SourceUnavailable(self.what, f"no connection: {type(error).__name__}") from error
        return judge(info)

    async def _info(self) -> dict[str, str]:
        one = self._settings
        trust = ssl.create_default_context() if one.tls else None
        reader, writer = await asyncio.open_connection(one.host, one.port, ssl=trust)
        try:
            if self._password is not None:
                words = ("AUTH", one.user, self._password.get_secret_value())
                writer.write(_command(*(word for word in words if word)))
                await _reply(reader, self.what)
            writer.write(_command("INFO"))
            text = await _reply(reader, self.what)
        finally:
            writer.close()
        pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
        return {key: value.strip() for key, _, value in pairs}


def _command(*words: str) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in parts)


async def _reply(reader: asyncio.StreamReader, what: str) -> str:
    """A simple or a bulk string. Raises SourceRefused for an error, whose first word is all that is told."""
    head = (await reader.readuntil(b"\r\n")).rstrip(b"\r\n")
    if head.startswith(b"+"):
        return head[1:].decode(errors="replace")
    if head.startswith(b"-"):
        raise SourceRefused(what, f"answered {head[1:].split(b' ')[0].decode(errors='replace')[:40]}")
    if not head.startswith(b"$") or not head[1:].isdigit() or int(head[1:]) > _LARGEST:
        raise SourceRefused(what, "its answer is no INFO")
    body = await reader.readexactly(int(head[1:]) + 2)
    return body.decode(errors="replace")


def judge(info: dict[str, str]) -> Finding:
    """What INFO says, and whether something bounded is nearly used up."""
    used, most = _number(info, "used_memory"), _number(info, "maxmemory")
    clients, allowed = _number(info, "connected_clients"), _number(info, "maxclients")
    hits, misses = _number(info, "keyspace_hits"), _number(info, "keyspace_misses")
    short = [
        name
        for name, part, whole in (("memory", used, most), ("clients", clients, allowed))
        if whole and part > _FULL * whole
    ]
    lost = info.get("role") == "slave" and info.get("master_link_status") == "down"
    figures = {
        "memory": f"{used / 2**20:.1f} MB" + (f" of {most / 2**20:.1f} MB" if most else ", no limit"),
        "clients": f"{clients:.0f}" + (f" of {allowed:.0f}" if allowed else ""),
        "blocked": info.get("blocked_clients", "?"),
        "evicted": info.get("evicted_keys", "?"),
        "rejected": info.get("rejected_connections", "?"),
        "hit rate": f"{hits / (hits + misses):.0%}" if hits + misses else "no lookups",
        "commands/s": info.get("instantaneous_ops_per_sec", "?"),
        "role": info.get("role", "?"),
    }
    words = "; ".join(
        [f"{name} nearly used up" for name in short] + (["cut off from its master"] if lost else [])
    )
    version = info.get("redis_version", "")
    return Finding(fine=not (short or lost), words=words or f"answers, version {version}", figures=figures)


def _number(info: dict[str, str], key: str) -> float:
    text = info.get(key, "")
    return float(text) if text.isdigit() else 0.0
