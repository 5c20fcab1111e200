"""Far too many distinct lines: words that are rare among them are values, where enough lines then agree."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from steadyhand.journey.evidence.patterns.masks import PUNCTUATION, VALUE
from steadyhand.journey.evidence.patterns.template import Template, constants

_FIRST_RARITY = 2
_RARER = 4
_ENOUGH_ROWS = 20
_SAMPLE = 4_000
_FEWEST_CONSTANTS = 1
_MANY_OF_ONE_LENGTH = 40  # hardly a program has so many messages of one length
_WORDS_OF_SEVERAL = 2
_NOT_BY_CHANCE = 200  # so many of one length with hardly a word in common are one message
_FIRM = 3
_RARE_SHARE = 10
_COMMON_SHARE = 50  # a word in more than one of so many rows is no rare one


def thinned(rows: Iterable[str], most: int) -> Mapping[str, str]:
    """Each masked line and the wider one it belongs to.

    Nothing is widened while there are at most `most`. Then words seen at most 2, 8, 32, .. times become
    <*>, as long as at least 20 lines then are equal and keep a word: a rare message, whose words
    are rare too, agrees with no other and stays as it is.
    """
    home: dict[str, str] = {row: row for row in rows}
    still = list(home)
    if len(still) > most and not _has_messages(still):
        return home
    rarity = _FIRST_RARITY
    while len(still) > most and rarity <= max(_FIRST_RARITY, len(home) // _COMMON_SHARE):
        wider = _widened(still, rarity)
        home.update(wider)
        still = [row for row in still if row not in wider]
        rarity *= _RARER
    return home


def _has_messages(rows: Sequence[str]) -> bool:
    """Whether a sample of the lines shows anything in common: else all the work would be for nothing."""
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    return len(_widened(sample, _FIRST_RARITY)) >= len(sample) // _ENOUGH_ROWS


def _widened(rows: Sequence[str], rarity: int) -> dict[str, str]:
    split = [row.split(" ") for row in rows]
    counts = Counter(chain.from_iterable(split))
    common = {word for word, count in counts.items() if count > rarity} | PUNCTUATION
    alike: dict[str, list[str]] = defaultdict(list)
    for row, words in zip(rows, split, strict=True):
        alike[" ".join([word if word in common else VALUE for word in words])].append(row)
    return {
        row: form
        for form, same in alike.items()
        if len(same) >= _ENOUGH_ROWS and constants(form.split(" ")) >= _FEWEST_CONSTANTS
        for row in same
    }


def thinned_by_place(rows: Iterable[Template]) -> Mapping[Template, Template]:
    """Merged templates and the wider ones they belong to, where several places vary at once.

    Only where at least 100 have the same length. A token is rare in its place when fewer than a tenth
    of these have it there. The more places become <*> for each word that is left, the more templates
    must agree.
    """
    home: dict[Template, Template] = {}
    by_length: dict[int, list[Template]] = defaultdict(list)
    for row in rows:
        by_length[len(row)].append(row)
    for same in by_length.values():
        if len(same) >= _MANY_OF_ONE_LENGTH:
            home.update(_widened_by_place(same))
    return home


def _widened_by_place(rows: Sequence[Template]) -> dict[Template, Template]:
    counts = [Counter(place) for place in zip(*rows, strict=True)]
    rare = max(_FIRST_RARITY, len(rows) // _RARE_SHARE)
    alike: dict[Template, list[Template]] = defaultdict(list)
    for row in rows:
        form = tuple(
            one if one in PUNCTUATION or seen[one] > rare else VALUE
            for one, seen in zip(row, counts, strict=True)
        )
        alike[form].append(row)
    forms = [form for form, same in alike.items() if _agree(same, form)]
    home = {row: form for form in forms for row in alike[form]}
    left = [row for row in rows if row not in home]
    return home | {row: form for form in forms if _is_firm(form) for row in left if _fits(row, form)}


def _is_firm(form: Template) -> bool:
    """Whether it has words enough to know one more of its messages by."""
    return constants(form) >= _FIRM


def _fits(row: Template, form: Template) -> bool:
    return all(one in (VALUE, token) for token, one in zip(row, form, strict=True))


def _agree(rows: Sequence[Template], form: Template) -> bool:
    kept = constants(form)
    opened = form.count(VALUE) - min(row.count(VALUE) for row in rows)
    if kept < _WORDS_OF_SEVERAL:
        return len(rows) >= _NOT_BY_CHANCE
    return len(rows) >= _ENOUGH_ROWS * max(1.0, opened / kept)
