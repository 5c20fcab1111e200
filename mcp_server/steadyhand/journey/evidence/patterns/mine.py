"""Distinct lines become templates, under a budget of work."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from steadyhand.journey.evidence.patterns.keys import keyed, zeroed
from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.merge import merged
from steadyhand.journey.evidence.patterns.template import Template, collapsed, masked, tokens_of
from steadyhand.journey.evidence.patterns.thin import thinned, thinned_by_place

UNCLUSTERED: Template = ("<unclustered>",)
MOST_ROWS = 1_000  # from here on lines are thinned out before anybody looks closer
MOST_KEPT = 6_000  # distinct ones of a block; what is beyond is counted and not looked at
_BYTE = 256
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Rows(Generic[_Key]):
    """The distinct templates of some texts before they are merged, and which one each text has."""

    templates: tuple[Template, ...]
    of_key: Mapping[_Key, int]


def rows_of(texts: Mapping[_Key, str], masks: WordMasks) -> Rows[_Key]:
    """The templates of these texts; far too many are thinned out, what is still too many is unclustered."""
    lines = zeroed(texts.values())
    distinct = list(dict.fromkeys(lines))
    rows = dict(zip(distinct, masked(distinct, masks), strict=True))
    home = thinned(dict.fromkeys(rows.values()), MOST_ROWS)
    kept = list(dict.fromkeys(home.values()))
    template = {row: tokens_of(row) for row in kept[:MOST_KEPT]}
    template.update(dict.fromkeys(kept[MOST_KEPT:], UNCLUSTERED))
    number: dict[Template, int] = {}
    place = {line: number.setdefault(template[home[row]], len(number)) for line, row in rows.items()}
    return Rows(tuple(number), dict(zip(texts, map(place.__getitem__, lines), strict=True)))


def numbered(block: bytes, masks: WordMasks) -> tuple[tuple[Template, ...], "array[int]"]:
    """The templates of a block of bare messages, one a line, and the number of each line's template."""
    found = keyed(block)
    lines = block.split(b"\n", max(found.first, default=0) + 1)
    texts = {at: one.decode(errors="replace") for at, one in enumerate(found.shown(lines))}
    rows = rows_of(texts, masks)
    place = [rows.of_key[at] for at in range(len(texts))]
    return rows.templates, array("B" if len(rows.templates) <= _BYTE else "i", found.each(place))


def templates_of(rows: Iterable[Template]) -> Mapping[Template, Template]:
    """Each row and the template it belongs to, once all rows are known."""
    home = merged(rows)
    wider = thinned_by_place(set(home.values()))
    final = {one: collapsed(wider.get(one, one)) for one in set(home.values())}
    again = merged(final.values())
    return {row: again[final[one]] for row, one in home.items()}
