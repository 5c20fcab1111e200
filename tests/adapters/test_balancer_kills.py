"""kill -9 of the controller at boundaries of its journal, over real balancers under load.

While nobody drives, the last answer of the canary comes within the lease and a second; whoever comes next
closes the journal, and promotes only what it has observed itself. A few boundaries by default; all of them
with STEADYHAND_EVERY_BOUNDARY set, in parts of some minutes: `-k haproxy-1`. Figures go to the file it names.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from shops import BRISK, Shop, shop
from test_balancer_rollouts import KINDS

from steadyhand.journey.rollout.state import OVER
from steadyhand.responder.rollouts.interventions import abort_rollout

pytestmark = [pytest.mark.anyio, pytest.mark.timed]
EVERY = os.environ.get("STEADYHAND_EVERY_BOUNDARY", "")
TELLING = ("after prepare", "after set_share", "after counters", "before settle", "after settle")
AT_ONCE = 8
PARTS = 4
GRACE_S = 1.0


async def killed_at(kind: str, folder: Path, boundary: str, *, to_the_end: bool) -> dict[str, object]:
    """What became of one rollout whose controller died there."""
    async with shop(kind, folder, BRISK, rate=100) as one:
        async with one.controller(boundary) as process:
            done = asyncio.create_task(process.stdout.readline())  # type: ignore[union-attr]
            await asyncio.wait((done, asyncio.create_task(process.wait())), return_when="FIRST_COMPLETED")
            killed = time.monotonic()
            if done.done() and done.result():
                return {"boundary": boundary, "passed": json.loads(done.result())}
        seconds = await one.seconds_of_canary(killed)
        assert seconds < one.lease_s + GRACE_S, f"{kind}: killed at {boundary}, served {seconds:.2f} s"
        assert (await one.target().observe()).share == 0, f"{kind}: killed at {boundary}"
        phase = await close(one, to_the_end=to_the_end)
        return {"boundary": boundary, "seconds": round(seconds, 2), "closed": phase}


async def close(one: Shop, *, to_the_end: bool) -> str:
    """The next process brings it to an end: by itself, or by a person's abort."""
    before = one.rollout
    if before is not None and before.phase not in OVER and not to_the_end:
        await abort_rollout(one.night.outside, one.incident, "ana", "better safe")
    restarted = one.night.clock.now()
    async with one.controller():
        after = await one.over()
    assert after.phase in ("verified", "reverted"), after.reason
    seen = await one.target().observe()
    assert (seen.share, seen.canary_version) == (0, "")
    assert seen.stable_version == ("1.0" if after.phase == "verified" else "1.1")
    unproven = before is None or before.phase in ("shifting", "watching", "promoting", "verifying")
    if after.phase == "verified" and unproven:
        assert after.watch is not None
        assert after.watch.started_at > restarted, "promoted on what a dead process had seen"
    return after.phase


async def many(kind: str, folder: Path, boundaries: Sequence[str]) -> list[dict[str, object]]:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, boundary: str) -> dict[str, object]:
        async with free:
            name = boundary.replace(" ", "-")
            return await killed_at(kind, folder / f"{kind}-{name}", boundary, to_the_end=number % 4 == 0)

    return list(await asyncio.gather(*(one(*numbered) for numbered in enumerate(boundaries))))


@pytest.mark.skipif(bool(EVERY), reason="every boundary is killed at below")
async def test_a_kill_at_a_telling_boundary_leaves_traffic_stable_and_the_journal_closed(
    tmp_path: Path,
) -> None:
    kinds = [one for one in KINDS if one != "nginx"]
    found = await asyncio.gather(*(many(kind, tmp_path, TELLING) for kind in kinds))
    assert all("seconds" in one for night in found for one in night), found


@pytest.mark.skipif(not EVERY, reason="minutes: set STEADYHAND_EVERY_BOUNDARY to a file for figures")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", KINDS)
async def test_a_kill_at_every_boundary_leaves_traffic_stable_and_the_journal_closed(
    tmp_path: Path, kind: str, part: int
) -> None:
    whole = await killed_at(kind, tmp_path / "whole", "0", to_the_end=True)
    passed = whole["passed"]
    assert isinstance(passed, list)
    chosen = [str(number) for number in range(1 + part, len(passed) + 1, PARTS)]
    found = await many(kind, tmp_path, chosen)
    note(kind, len(passed), found)


def note(kind: str, count: int, found: Sequence[dict[str, object]]) -> None:
    with Path(EVERY).open("a", encoding="utf-8") as figures:
        figures.writelines(json.dumps({"kind": kind, "of": count, **one}) + "\n" for one in found)
