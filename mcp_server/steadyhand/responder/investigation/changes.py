"""Changes: what was posted to us and what the sources tell, kept in the store; a diff when it is wanted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from steadyhand.journey.change.merge import merged, unread
from steadyhand.journey.evidence.model import Change, Window
from steadyhand.ports import ChangeSource, SteadyhandError
from steadyhand.responder.investigation.asking import ask_all
from steadyhand.responder.outside import Outside

_WITHIN_S = 8.0
_DIFF_WITHIN_S = 5.0
_MOST_DIFFS = 6  # read without being asked for: those that a diagnosis is most likely to weigh
_LONGEST = 20_000  # as long as a Change may carry


class UnknownChange(SteadyhandError):
    """There is no such change."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Changes of a window, oldest first, who was asked, and what could not be seen."""

    changes: Sequence[Change]
    asked: tuple[str, ...]
    gaps: tuple[str, ...]


async def look_for_changes(
    outside: Outside, services: Sequence[str], window: Window, *, diffs: int = _MOST_DIFFS
) -> Seen:
    """Changes to these services (all, if none is named); what sources told is kept. Raises LedgerError."""
    names = services or tuple(one.name for one in outside.rules.services)
    told, silent = await ask_all(
        [(one.name, partial(one.changes, names, window)) for one in outside.changes], _WITHIN_S
    )
    known = await asyncio.to_thread(_known, outside, services, window)
    found = merged(told, known, told)  # the source has the last word, and keeps a diff that was read before
    read, unread_why = await _with_diffs(outside, unread(found, diffs))
    found = merged(found, read)
    await asyncio.to_thread(_keep, outside, known, found)
    asked = ("what was posted", *(one.name for one in outside.changes))
    return Seen(found, asked, (*silent, *unread_why))


async def read_change(outside: Outside, wanted: str) -> tuple[Change, str]:
    """One change with its diff, read now where it was not yet; and why there is none, where that failed.

    Raises UnknownChange, LedgerError.
    """
    change = await asyncio.to_thread(_one, outside, wanted)
    if change is None:
        raise UnknownChange(f"there is no change {wanted!r}; list_changes shows them")
    if change.diff or not change.handle:
        return change, ""
    read, why = await _with_diffs(outside, [change])
    await asyncio.to_thread(_keep, outside, [change], read)
    return (read[0] if read else change), "; ".join(why)


async def _with_diffs(outside: Outside, changes: Sequence[Change]) -> tuple[Sequence[Change], Sequence[str]]:
    sources = {one.name: one for one in outside.changes}
    asks = [
        (f"diff of {one.id}", partial(_diff, sources[one.source], one))
        for one in changes
        if one.source in sources
    ]
    return await ask_all(asks, _DIFF_WITHIN_S)


async def _diff(source: ChangeSource, change: Change) -> Sequence[Change]:
    text = await source.diff(change)
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return [change.model_copy(update={"diff": cut})] if text else []


def _known(outside: Outside, services: Sequence[str], window: Window) -> Sequence[Change]:
    with outside.ledger.read() as tx:
        return tx.changes(services, window)


def _one(outside: Outside, wanted: str) -> Change | None:
    with outside.ledger.read() as tx:
        return tx.change(wanted)


def _keep(outside: Outside, known: Sequence[Change], found: Sequence[Change]) -> None:
    """Write what is new or says more than before; a look that found nothing writes nothing."""
    before = {one.id: one for one in known}
    fresh = [one for one in found if before.get(one.id) != one]
    if fresh:
        with outside.ledger.write() as tx:
            for one in fresh:
                tx.keep_change(one)
