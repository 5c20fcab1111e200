"""Ask the sources of traces what requests did in the calm part of the look-back, and what since."""

import asyncio
from collections.abc import Sequence
from functools import partial

from steadyhand.journey.evidence.model import Traced, Window
from steadyhand.ports import TraceSource
from steadyhand.responder.investigation.asking import ask_all
from steadyhand.responder.outside import Outside


async def look_at_calls(
    outside: Outside, names: Sequence[str], calm: Window, since: Window
) -> tuple[Sequence[Traced], Sequence[str]]:
    """Traces that pass these services, by source, and a sentence for each source that gave none."""
    most = outside.rules.evidence.max_traces
    return await ask_all(
        [(one.name, partial(_both, one, names, calm, since, most)) for one in outside.traces]
    )


async def _both(
    source: TraceSource, names: Sequence[str], calm: Window, since: Window, most: int
) -> Sequence[Traced]:
    before, now = await asyncio.gather(source.spans(names, calm, most), source.spans(names, since, most))
    return [Traced(source=source.name, calm=before, since=now)]
