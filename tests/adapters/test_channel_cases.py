"""The cases each channel must pass, over every channel there is."""

from pathlib import Path

import pytest
from vendors.base import CUT_ANSWER, status
from vendors.line_up import LINES, Line, Lines

from steadyhand.adapters.channels.registry import ChannelSettings
from steadyhand.ports import EffectUnknown, Letter, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio
ALL = pytest.mark.parametrize("make", LINES.values(), ids=LINES)
HOSTILE = (
    "<!channel> <@U1> <http://evil.example|safe> @everyone #17 *b* `c` [x](http://evil.example)\n"
    "\x1b[2J\x07\r\nBcc: all@example.org\r\n.\r\n<script>alert(1)</script> {code} \u202egnp.exe"
)


def letter(line: Line, key: str = "inc-12:0:page:0", **changes: str) -> Letter:
    plain = Letter(
        key=key,
        target=line.target,
        subject="SEV2 shop: p95 is 3 s",
        body="The latency of shop is high.",
        severity="SEV2",
        incident="inc-12",
        thread="inc-12:0",
    )
    return Letter.model_validate(plain.model_dump() | changes)


@ALL
async def test_a_message_arrives_and_its_receipt_is_the_vendor_s_id(make: Lines, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        assert await line.channel.ready() == ()
        assert await line.channel.send(letter(line))
        assert len(line.arrived()) == 1


@ALL
async def test_a_refusal_is_final_and_asked_once(make: Lines, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        line.fails(status(400))
        with pytest.raises(SourceRefused):
            await line.channel.send(letter(line))
        assert line.arrived() == []


@ALL
async def test_a_busy_vendor_is_asked_again_later(make: Lines, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        for trouble in (status(429, retry_after="120"), status(503)):
            line.fails(trouble)
            try:
                await line.channel.send(letter(line))
            except SourceUnavailable as error:
                asked_s = error.again_after.total_seconds() if error.again_after else None
                assert asked_s in (None, 120)
                await line.channel.send(letter(line))
        assert 1 <= len(line.arrived()) <= 2


@ALL
async def test_a_lost_answer_is_unknown_and_whoever_looks_first_sends_no_second(
    make: Lines, tmp_path: Path
) -> None:
    async with make(tmp_path) as line:
        line.fails(CUT_ANSWER)
        one = letter(line)
        with pytest.raises(EffectUnknown):
            await line.channel.send(one)
        receipt = await line.channel.find(one) or await line.channel.send(one)
        assert receipt
        arrived = line.arrived()
        if line.channel.name == "email":  # nobody can look into a mailbox: twice, under one name
            assert len({mail["Message-ID"] for mail in arrived}) == 1
        elif line.channel.name == "pagerduty":  # it knows the key itself
            assert len({one.dedup_key for one in arrived}) == 1
        else:
            assert len(arrived) == 1


@ALL
async def test_text_without_end_is_cut_to_what_the_vendor_takes(make: Lines, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        long = letter(line, subject="S" * 5_000, body="<&>@#*_\n" * 40_000)
        await line.channel.send(long)
        assert len(line.arrived()) == 1


@ALL
async def test_hostile_text_calls_nobody_and_marks_up_nothing(make: Lines, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        await line.channel.send(letter(line, subject=HOSTILE, body=HOSTILE))
        assert len(line.arrived()) == 1


@ALL
async def test_what_follows_goes_into_the_thread_of_the_first(make: Lines, tmp_path: Path) -> None:
    async with make(tmp_path) as line:
        first = await line.channel.send(letter(line))
        for act in ("acknowledged", "resolved"):
            await line.channel.send(letter(line, key=act, act=act, first=first, body="ana has it"))
        assert len(line.arrived()) == 3


@ALL
async def test_a_secret_that_counts_no_more_is_told_by_the_lint_and_shown_nowhere(
    make: Lines, tmp_path: Path
) -> None:
    async with make(tmp_path) as line:
        line.lock_out()
        problems = await line.channel.ready()
        with pytest.raises(SourceRefused) as caught:
            await line.channel.send(letter(line))
        shown = f"{caught.value!r} {caught.value.__cause__!r} {problems}"
        assert line.secret not in shown
        # Asking these two would page somebody.
        assert bool(problems) or line.channel.name in ("pagerduty", "webhook")


def test_every_kind_of_channel_is_in_the_line_up() -> None:
    kinds = {one.model_fields["kind"].default for one in ChannelSettings.__origin__.__args__}
    assert kinds - {"terminal"} == set(LINES)
