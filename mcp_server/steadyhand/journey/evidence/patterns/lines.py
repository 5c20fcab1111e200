"""Log records that a source has already parsed become the same tallies as raw blocks do."""

from collections import defaultdict
from collections.abc import Sequence

from steadyhand.journey.evidence.model import LogLine, Window
from steadyhand.journey.evidence.patterns.codes import codes_of
from steadyhand.journey.evidence.patterns.fold import text_of
from steadyhand.journey.evidence.patterns.masks import WordMasks
from steadyhand.journey.evidence.patterns.mine import rows_of
from steadyhand.journey.evidence.patterns.tally import Example, Kind, Tallies, Tally, picked

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789")
_SAMPLES = 400


def tally_lines(lines: Sequence[LogLine], window: Window, most: int) -> Tallies:
    """The tallies of the lines that lie in the window; at most `most` kinds are kept apart."""
    inside = sorted((one for one in lines if window.start <= one.at < window.end), key=lambda one: one.at)
    out = Tallies()
    for service in dict.fromkeys(one.service for one in inside):
        own = [one for one in inside if one.service == service]
        _tally_service(service, own, out, most)
    return out


def _tally_service(service: str, lines: Sequence[LogLine], out: Tallies, most: int) -> None:
    texts = [text_of(one.message, one.fields) for one in lines]
    keys = [text.translate(_WITHOUT_DIGITS) for text in texts]
    rows = rows_of(dict(zip(reversed(keys), reversed(texts), strict=True)), WordMasks())
    by_kind: dict[Kind, list[int]] = defaultdict(list)
    for at, (line, key) in enumerate(zip(lines, keys, strict=True)):
        codes = codes_of(texts[at], line.fields)
        by_kind[Kind(service, line.severity, codes, rows.templates[rows.of_key[key]])].append(at)
    for kind, places in by_kind.items():
        some = [places[one] for one in picked(len(places), _SAMPLES)]
        samples = [_example(lines[at], texts[at]) for at in some]
        tally = Tally(samples[0], lines[places[-1]].at.timestamp(), samples=samples)
        for at in places:
            tally.seconds[int(lines[at].at.timestamp())] += 1
        out.add(kind, tally, most)


def _example(line: LogLine, text: str) -> Example:
    return Example(at=line.at.timestamp(), text=text, fields=line.fields, ref=line.ref)
