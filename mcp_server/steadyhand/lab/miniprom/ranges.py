"""A query over a grid of instants, in slices that leave scraping its turn."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

from steadyhand.lab.miniprom.evaluate.engine import Evaluation
from steadyhand.lab.miniprom.evaluate.plan import Expr, Selector
from steadyhand.lab.miniprom.labels import Labels

DEADLINE_S = 20.0
SLICE_S = 0.01
"""Other work gets its turn after this many seconds."""

Tracks = dict[Labels, list[tuple[int, float]]]
"""The values of each series by time (unix ms)."""


async def evaluate_range(evaluation: Evaluation, expr: Expr, instants: Sequence[int]) -> Tracks:
    """Evaluate at every instant; series without any value are left out.

    Raises TimeoutError after `DEADLINE_S`, EvaluationError as a single evaluation does.
    """
    loop = asyncio.get_running_loop()
    tracks: Tracks = defaultdict(list)
    pause_at = loop.time() + SLICE_S
    async with asyncio.timeout(DEADLINE_S):
        for _ in _steps(evaluation, expr, instants, tracks):
            if loop.time() > pause_at:
                await asyncio.sleep(0)
                pause_at = loop.time() + SLICE_S
    return {labels: track for labels, track in tracks.items() if track}


def _steps(evaluation: Evaluation, expr: Expr, instants: Sequence[int], tracks: Tracks) -> Iterator[None]:
    """Fill the tracks, stopping after each bit of work; plain series one by one, for that is faster."""
    if isinstance(expr, Selector):
        for series in evaluation.series(expr):
            tracks[series.labels] = [(at, one) for at in instants if (one := series.latest(at)) is not None]
            yield
        return
    for at in instants:
        value = evaluation.at(expr, at)
        for labels, one in [((), value)] if isinstance(value, float) else value:
            tracks[labels].append((at, one))
        yield
