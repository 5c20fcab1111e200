"""The trail is sealed at once where consent is at stake, soon elsewhere; a sick disk makes nobody forget."""

import asyncio
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from steadyhand.adapters.checkpoints.build import build_sinks
from steadyhand.adapters.checkpoints.channel import ChannelCheckpointSettings, CheckpointChannel
from steadyhand.adapters.checkpoints.file import CheckpointFile, FileCheckpointSettings
from steadyhand.adapters.checkpoints.key import Ed25519Key
from steadyhand.adapters.checkpoints.syslog import CheckpointSyslog, SyslogCheckpointSettings
from steadyhand.journey.audit.proof import find_problem, forgery
from steadyhand.ports import ConfigError
from steadyhand.responder.engine.worker import Worker
from steadyhand.testing.phone import Phone
from stories.night import Night

KEY = Ed25519Key(SecretStr("A" * 43), "test")


class Shelf:
    """A sink that can be out of order."""

    name = "shelf"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.broken = False

    async def keep(self, line: str) -> None:
        if self.broken:
            raise OSError("no space left")
        self.lines.append(line)

    @property
    def points(self) -> list[dict[str, object]]:
        return [json.loads(one) for one in self.lines]


class Sealed(Night):
    """A night whose trail is sealed."""

    shelf: Shelf

    def restart(self) -> None:
        super().restart()
        self.shelf = getattr(self, "shelf", None) or Shelf()
        self.outside = replace(self.outside, checkpoint_key=KEY, checkpoints=(self.shelf,))
        self.worker = Worker(self.outside)

    def problem(self) -> str:
        with self.outside.ledger.read() as tx:
            return find_problem(tx.audit.rows(), self.shelf.points)


@pytest.fixture
def night(tmp_path: Path) -> Sealed:
    night = Sealed(tmp_path)
    night.hire()
    return night


def test_a_new_row_is_sealed_within_a_minute_and_not_sooner_than_it_must(night: Sealed) -> None:
    async def story() -> None:
        night.users.blind = True
        night.alert()
        await night.pass_time(58)
        assert night.shelf.points == []
        await night.pass_time(3)
        assert len(night.shelf.points) == 1
        assert forgery(night.shelf.points[0], KEY.public) == ""
        assert night.problem() == ""

    asyncio.run(story())


def test_an_approval_is_sealed_at_once(night: Sealed) -> None:
    async def story() -> None:
        plan = night.propose(night.alert())
        await night.turn()
        assert night.shelf.points == []
        await night.answer(plan)
        await night.pass_time(1)
        sealed = night.shelf.points[-1]["seq"]
        with night.outside.ledger.read() as tx:
            approved = next(one["seq"] for one in tx.audit.rows() if one["action"] == "plan.approved")
        assert sealed > approved

    asyncio.run(story())


def test_a_hundred_rows_are_not_kept_waiting(night: Sealed) -> None:
    async def story() -> None:
        for number in range(101):
            night.alert(service=f"service-{number}")
        await night.turn()
        assert len(night.shelf.points) == 1

    asyncio.run(story())


def test_where_nothing_happens_nothing_is_sealed(night: Sealed) -> None:
    async def story() -> None:
        night.users.blind = True
        night.alert()
        await night.pass_time(70)
        count = len(night.shelf.points)
        await night.leap(minutes=180)
        await night.leap(minutes=180)
        assert len(night.shelf.points) <= count + 2  # what escalated in that time, and no more

    asyncio.run(story())


def test_a_checkpoint_that_could_not_be_kept_is_alarmed_about_and_kept_later(night: Sealed) -> None:
    async def story() -> None:
        night.users.blind = True
        night.shelf.broken = True
        night.alert()
        await night.pass_time(62)
        assert night.shelf.points == []
        assert any(
            "checkpoint of the audit trail was not kept by shelf" in one.body for one in night.phone.rings
        )
        night.shelf.broken = False
        await night.pass_time(1)
        assert len(night.shelf.points) == 1
        assert night.problem() == ""

    asyncio.run(story())


def test_a_joint_whose_process_died_before_it_was_signed_is_signed_by_the_next(night: Sealed) -> None:
    async def story() -> None:
        night.alert()
        with night.outside.ledger.write() as tx:
            joint = tx.audit.join(night.clock.now())
        night.restart()
        await night.turn()
        assert night.shelf.points[0]["seq"] == joint["seq"]

    asyncio.run(story())


# keys and sinks


@pytest.mark.parametrize("text", ["", "short", "!" * 43, "A" * 60])
def test_what_is_no_key_of_32_bytes_is_refused_by_where_it_stands(text: str) -> None:
    with pytest.raises(ConfigError, match="AUDIT_KEY must hold 32 bytes in base64"):
        Ed25519Key(SecretStr(text), "AUDIT_KEY")


def test_a_key_does_not_show_its_seed() -> None:
    assert "A" * 10 not in repr(vars(KEY))


def test_a_file_grows_by_a_line_each_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    async def story() -> None:
        file = CheckpointFile(FileCheckpointSettings(), tmp_path)
        await file.keep("one")
        await file.keep("two")
        assert file.path.read_text() == "one\ntwo\n"
        assert file.path.stat().st_mode & 0o077 == 0
        gone = CheckpointFile(FileCheckpointSettings(path=str(tmp_path / "no" / "where")), tmp_path)
        with pytest.raises(OSError, match="No such file"):
            await gone.keep("three")

    asyncio.run(story())


def test_syslog_gets_one_message_of_rfc_5424() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        settings = SyslogCheckpointSettings(host="127.0.0.1", port=server.getsockname()[1])
        asyncio.run(CheckpointSyslog(settings).keep('{"seq":7}'))
        text = server.recv(2048).decode()
    head, _, line = text.partition(" checkpoint - ")
    assert head.startswith("<85>1 - ")
    assert head.endswith(" steadyhand -")
    assert line == '{"seq":7}'


def test_a_channel_gets_it_under_a_key_that_is_the_same_for_the_same_line(tmp_path: Path) -> None:
    async def story() -> None:
        phone = Phone()
        settings = ChannelCheckpointSettings(channel="phone", target="audit")
        (sink,) = build_sinks((settings,), tmp_path, {"phone": phone})
        assert isinstance(sink, CheckpointChannel)
        await sink.keep("line")
        await sink.keep("line")
        assert {one.target for one in phone.rings} == {"audit"}
        assert len({one.key for one in phone.rings}) == 1

    asyncio.run(story())


def test_a_channel_that_is_not_there_is_a_named_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"connections\.channels has no fax"):
        build_sinks((ChannelCheckpointSettings(channel="fax"),), tmp_path, {})
    with pytest.raises(ValidationError):
        SyslogCheckpointSettings(host="x", port=0)
