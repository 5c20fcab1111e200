import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from steadyhand.lab.changes import ChangeLog, ChangeRecord

RECORD = ChangeRecord(
    id="chg-1",
    service="shop",
    kind="code",
    version="2.13.1",
    previous="2.13.0",
    author="m.okafor",
    summary="Reword the headline",
    diff="",
    replicas=3,
    started_at=datetime(2026, 1, 31, 2, 0, tzinfo=UTC),
)
DONE = RECORD.model_copy(update={"finished_at": datetime(2026, 1, 31, 2, 0, 3, tzinfo=UTC)})


async def _told(path: Path, statuses: list[int]) -> list[tuple[str, dict[str, str]]]:
    """What a receiver hears that answers with these statuses in turn."""
    heard: list[tuple[str, dict[str, str]]] = []
    enough = asyncio.Event()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        heard.append((fields["authorization"], body))
        status = statuses[len(heard) - 1]
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()
        if len(heard) == len(statuses):
            enough.set()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    log = ChangeLog(path, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/changes", "secret")
    log.note(RECORD)
    log.note(DONE)
    posting = asyncio.create_task(log.deliver())
    await asyncio.wait_for(enough.wait(), 10)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    server.close()
    return heard


def test_a_change_is_told_at_its_start_and_at_its_end_in_that_order_despite_a_failure(tmp_path: Path) -> None:
    heard = asyncio.run(_told(tmp_path / "changes.jsonl", [503, 200, 200]))
    assert [token for token, _ in heard] == ["bearer secret"] * 3
    assert [body["finished_at"] for _, body in heard] == [None, None, "2026-01-31T02:00:03Z"]
    assert {body["id"] for _, body in heard} == {"chg-1"}


def test_a_change_is_kept_when_nobody_wants_to_know(tmp_path: Path) -> None:
    async def story() -> None:
        ChangeLog(tmp_path / "changes.jsonl", "", "").note(RECORD)

    asyncio.run(story())
    assert ChangeRecord.model_validate_json((tmp_path / "changes.jsonl").read_text()) == RECORD
