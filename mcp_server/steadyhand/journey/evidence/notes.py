"""What every view says beside an item: what it moves with, what is usual, when a limit is reached."""

from collections.abc import Sequence

from steadyhand.journey.evidence.model import Item, Page

_NAME = 80


def beside(item: Item) -> tuple[str, ...]:
    """Short remarks on an item, e.g. "r 0.93, 6 s before p95 of http_seconds"."""
    facts = item.facts
    usual = ("usual at this hour",) if "usual" in facts else ()
    if "moves_with" not in facts:
        return usual
    lag = int(facts["lag_s"])
    when = "with" if lag == 0 else f"{abs(lag)} s {'after' if lag > 0 else 'before'}"
    return (*usual, f"r {facts['r']}, {when} {facts['moves_with']}")


def ahead(items: Sequence[Item]) -> tuple[Item, ...]:
    """Those with a forecast, the soonest first."""
    told = [one for one in items if "forecast" in one.facts]
    return tuple(sorted(told, key=lambda one: float(one.facts["limit_in_min"])))


def in_doubt(page: Page, most: int) -> tuple[str, ...]:
    """The faults of the data in a line each; of more than `most` only how many."""
    told = tuple(f"{one.kind}: {one.entity[:_NAME]}: {one.text}" for one in page.flags[:most])
    left = len(page.flags) - most
    return (*told, f"{left} more faults of the data") if left > 0 else told
