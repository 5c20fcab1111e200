"""Changes of several tellers put together: each once, with all that is known of it."""

from collections.abc import Iterable, Sequence

from steadyhand.journey.evidence.model import Change


def merged(*tellings: Iterable[Change]) -> Sequence[Change]:
    """Every change once, oldest first. Of two tellings the later has the word; a diff is never lost by it."""
    found: dict[str, Change] = {}
    for one in (change for telling in tellings for change in telling):
        known = found.get(one.id)
        found[one.id] = _joined(known, one) if known else one
    return sorted(found.values(), key=lambda one: (one.started_at, one.id))


def _joined(known: Change, fresh: Change) -> Change:
    kept = {
        "diff": fresh.diff or known.diff,
        "finished_at": fresh.finished_at or known.finished_at,
        "previous": fresh.previous or known.previous,
    }
    return fresh.model_copy(update=kept)


def unread(changes: Sequence[Change], most: int) -> Sequence[Change]:
    """The latest of those whose diff their source has and we have not, at most so many."""
    open_ = [one for one in changes if one.handle and not one.diff]
    return open_[-most:] if most else ()
