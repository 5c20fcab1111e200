"""What was changed in production: kept in a file, and told to whoever wants to know."""

import asyncio
import time
from pathlib import Path
from typing import Literal

import httpx2
from pydantic import Field

from steadyhand.journey.rule import Instant, Value

_TRIES = 4
_LIMIT_S = 2.0
_PAUSE_S = 0.5


class ChangeRecord(Value):
    """One deployment or migration. It is told twice: when it starts, and with `finished_at` when it ends."""

    id: str
    service: str
    kind: Literal["code", "config", "migration"]
    version: str
    previous: str
    author: str
    summary: str
    diff: str
    replicas: int = Field(description="How many replicas it reaches.")
    started_at: Instant
    finished_at: Instant | None = None


class ChangeLog:
    """Writes each record down and posts it in the background, in order; a deployment never waits for it."""

    def __init__(self, path: Path, url: str, token: str) -> None:
        self._path = path
        self._url = url
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._queue: asyncio.Queue[ChangeRecord] = asyncio.Queue()
        self.undelivered = 0

    def note(self, record: ChangeRecord) -> None:
        """Keep a record and have it posted."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(record.model_dump_json() + "\n")
        if self._url:
            self._queue.put_nowait(record)

    async def deliver(self) -> None:
        """Post records for as long as the lab runs."""
        async with httpx2.AsyncClient(timeout=_LIMIT_S, headers=self._headers, trust_env=False) as client:
            while True:
                record = await self._queue.get()
                if not await self._posted(client, record):
                    self.undelivered += 1

    async def _posted(self, client: httpx2.AsyncClient, record: ChangeRecord) -> bool:
        body = record.model_dump_json().encode()
        for _ in range(_TRIES):
            try:
                answer = await client.post(
                    self._url, content=body, headers={"content-type": "application/json"}
                )
            except httpx2.TransportError:
                await asyncio.sleep(_PAUSE_S)
                continue
            if answer.is_success or answer.is_client_error:
                return answer.is_success
            await asyncio.sleep(_PAUSE_S)
        return False


def new_id() -> str:
    """A name for a change that sorts by time."""
    return f"chg-{time.time_ns() // 1_000_000}"
