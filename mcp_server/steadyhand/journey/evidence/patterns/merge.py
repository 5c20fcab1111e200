"""Templates that are equal everywhere but at one position are one template."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from steadyhand.journey.evidence.patterns.masks import PUNCTUATION, VALUE
from steadyhand.journey.evidence.patterns.template import Template, collapsed

_MOST_WORK = 400_000
_SWEEPS = 8
_FEW_CONSTANTS = 3
_ROWS_IF_FIRM = 3
_ROWS_IF_LOOSE = 6
_ROWS_IF_ALONE = 50


def merged(templates: Iterable[Template]) -> Mapping[Template, Template]:
    """Each template and the wider one it belongs to; work is bounded, the rest stays as it is."""
    home = {one: one for one in templates}
    for _ in range(_SWEEPS):
        wider = _sweep(sorted(set(home.values())))
        if not wider:
            break
        home = {one: collapsed(wider.get(now, now)) for one, now in home.items()}
    return home


def _sweep(rows: Sequence[Template]) -> dict[Template, Template]:
    """One pass: the largest groups of siblings first, each row at most once."""
    by_length: dict[int, list[Template]] = defaultdict(list)
    for row in rows:
        by_length[len(row)].append(row)
    wider: dict[Template, Template] = {}
    for length, same in by_length.items():
        if len(same) * length <= _MOST_WORK:
            for position, bucket in _siblings(same):
                free = [row for row in bucket if row not in wider]
                if _may_merge(free, position):
                    target = (*free[0][:position], VALUE, *free[0][position + 1 :])
                    wider.update(dict.fromkeys(free, target))
    return wider


def _siblings(rows: Sequence[Template]) -> list[tuple[int, list[Template]]]:
    """Rows of one length equal but at one position, with that position; the largest group first.

    Such rows share all before their middle or all behind it: whoever shares neither has no sibling.
    """
    middle = len(rows[0]) // 2
    before, behind = slice(0, middle), slice(middle, None)
    found = [
        (middle + at, bucket) for same in _agreeing(rows, before) for at, bucket in _but_one(same, behind)
    ]
    found += [(at, bucket) for same in _agreeing(rows, behind) for at, bucket in _but_one(same, before)]
    return sorted(found, key=lambda pair: (-len(pair[1]), pair[0], pair[1][0]))


def _agreeing(rows: Sequence[Template], part: slice) -> list[list[Template]]:
    """The rows that are equal in this part, where there are at least two."""
    same: dict[Template, list[Template]] = defaultdict(list)
    for row in rows:
        same[row[part]].append(row)
    return [one for one in same.values() if len(one) > 1]


def _but_one(rows: Sequence[Template], part: slice) -> Iterator[tuple[int, list[Template]]]:
    """Those equal in all of this part but one position of it."""
    buckets: dict[tuple[int, Template], list[Template]] = defaultdict(list)
    for row in rows:
        words = row[part]
        for position, token in enumerate(words):
            if token not in PUNCTUATION:
                buckets[position, words[:position] + words[position + 1 :]].append(row)
    return ((position, bucket) for (position, _), bucket in buckets.items() if len(bucket) > 1)


def _may_merge(rows: Sequence[Template], position: int) -> bool:
    """Whether what differs here is a value: the more constant words around, the fewer rows it takes."""
    if len(rows) < 2:  # noqa: PLR2004 - one row has no sibling
        return False
    around = [token for at, token in enumerate(rows[0]) if at != position]
    constants = sum(token != VALUE and token not in PUNCTUATION for token in around)
    after_equals = position > 0 and rows[0][position - 1] == "="
    if after_equals or any(row[position] == VALUE for row in rows):
        return constants >= (1 if after_equals else 2)
    if constants >= _FEW_CONSTANTS:
        return len(rows) >= _ROWS_IF_FIRM
    if constants == 2:  # noqa: PLR2004 - two words still name a message
        return len(rows) >= _ROWS_IF_LOOSE
    return constants == 1 and len(rows) >= _ROWS_IF_ALONE
