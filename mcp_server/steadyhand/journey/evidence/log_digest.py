"""What changed in the logs, as one compact JSON text under a token budget."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from steadyhand.journey.evidence.log_items import RARE_SLOTS, changed, is_faint, is_rare, kept, log_item
from steadyhand.journey.evidence.masking import Masker
from steadyhand.journey.evidence.model import Item, Window
from steadyhand.journey.evidence.patterns.compare import Patterns
from steadyhand.journey.evidence.screen import Span
from steadyhand.journey.evidence.wording import clock

MAX_TOKENS = 1_500
NOTHING = "nothing changed"
NO_DATA = "no data, not health"
_NO_CALM = "no line in the calm part, so every message counts as new"
_CHARACTERS_PER_TOKEN = 3  # safe for text, numbers and punctuation alike
_MOST = 10
_MOST_STRAYS = 24
_FEWEST_STRAYS = 6
_STRAY = 80
_TOGETHER = timedelta(seconds=5)
_EXEMPLAR = 140
_REF = 120
_NOTE = 120
_IF_ANY = frozenset({"also_new", "assumptions", "not_seen", "left_out"})
_MOST_GAPS = 4


def log_digest(
    patterns: Patterns,
    window: Window,
    baseline: Window,
    *,
    masker: Masker,
    gaps: Sequence[str] = (),
    masked: Sequence[Span] = (),
    tokens: int = MAX_TOKENS,
) -> str:
    """The messages that changed, strongest first, rare new ones kept; their order; what was not seen.

    Below `tokens` of three characters. Exemplars are untrusted text. What does not fit is left out
    weakest first, and counted.
    """
    found = changed(patterns.found, masked)
    full = kept(found, _MOST)
    strays = sorted((one for one in found if one not in full and is_rare(one)), key=lambda one: -one.rank)
    items = [
        log_item(one, window, baseline, masker).model_copy(update={"id": f"t{number}"})
        for number, one in enumerate((*full, *strays[:_MOST_STRAYS]), start=1)
    ]
    head: dict[str, object] = {
        "verdict": _verdict(patterns, items),
        "window": _span(window),
        "baseline": _span(baseline),
        "lines": patterns.lines,
        "kinds": len(patterns.found),
        "unclustered": round(patterns.unclustered_share, 4),
        "assumptions": [masker.text(one, _NOTE) for one in patterns.assumptions],
        "not_seen": [masker.text(one, _NOTE) for one in (*_no_calm(patterns), *gaps)[:_MOST_GAPS]],
    }
    room = tokens * _CHARACTERS_PER_TOKEN - 1
    told, also = items[: len(full)], items[len(full) :]
    while len(text := _written(head, told, also, len(found), masker)) > room and (told or also):
        if len(also) > _FEWEST_STRAYS or not told:
            also.pop()
        else:
            del told[max(0, len(told) - 1 - RARE_SLOTS)]  # the last ones are the rare ones
    return text[:room]


def _verdict(patterns: Patterns, items: Sequence[Item]) -> str:
    if not patterns.lines:
        return NO_DATA
    return NOTHING if all(is_faint(one) for one in items) else "changed"


def _no_calm(patterns: Patterns) -> tuple[str, ...]:
    """Said where there was nothing to compare with."""
    return (_NO_CALM,) if patterns.lines and not any(one.before for one in patterns.found) else ()


def _written(
    head: dict[str, object], full: Sequence[Item], also: Sequence[Item], found: int, masker: Masker
) -> str:
    told = head | {
        "changed": [_entry(one, masker) for one in full],
        "also_new": [_short(one, masker) for one in also],
        "groups": _groups(sorted((one for one in full if one.onset), key=_began)),
        "left_out": found - len(full) - len(also),
    }
    filled = {name: one for name, one in told.items() if one or name not in _IF_ANY}
    return json.dumps(filled, ensure_ascii=False, separators=(",", ":"))


def _short(item: Item, masker: Masker) -> dict[str, object]:
    """A rare new message in few words."""
    text = f"{item.facts['severity']} {item.facts['exemplar']}".strip()
    return {"onset": clock(_began(item)), "now": int(item.now or 0), "exemplar": masker.text(text, _STRAY)}


def _began(item: Item) -> datetime:
    assert item.onset is not None
    return item.onset.at


def _span(window: Window) -> str:
    return f"{window.start:%Y-%m-%dT%H:%M:%S}Z/{window.end:%H:%M:%S}Z"


def _entry(item: Item, masker: Masker) -> dict[str, object]:
    facts = item.facts
    told: dict[str, object] = {
        "id": item.id,
        "kind": facts["change"],
        "severity": facts["severity"],
        "now": int(facts["count_now"]),
        "base": int(facts["count_before"]),
    }
    if item.onset is not None:
        told["onset"] = clock(item.onset.at)
        told["onset_s"] = round((item.onset.hi - item.onset.lo).total_seconds(), 1)
    told |= {name: facts[name] for name in ("codes", "skew") if name in facts}
    return told | {"exemplar": masker.text(facts["exemplar"], _EXEMPLAR), "ref": masker.place(item.ref, _REF)}


def _groups(begun: Sequence[Item]) -> list[list[str]]:
    """The ids in order of onset; those that began within five seconds of the one before stand together."""
    groups: list[list[str]] = []
    last: datetime | None = None
    for one in begun:
        at = _began(one)
        if last is not None and at - last <= _TOGETHER:
            groups[-1].append(one.id)
        else:
            groups.append([one.id])
        last = at
    return groups
