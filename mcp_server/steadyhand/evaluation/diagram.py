"""The reliability diagram: how often answers were right, by how sure they were, as SVG without a script."""

from collections.abc import Iterator, Sequence
from html import escape

from steadyhand.evaluation.figures import SURE, Bin

_SIDE, _LEFT, _TOP, _BELOW = 220, 44, 14, 62
_MARKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_COUNTS = 22  # height of the row that shows how many answers each bin holds


def diagram(found: Sequence[Bin]) -> str:
    """One picture: a dot for each bin with its 95 % interval, the line of a kept word, bars for counts."""
    width, height = _LEFT + _SIDE + 14, _TOP + _SIDE + _BELOW
    parts = "".join((*_frame(), *_dots(found), *_bars(found)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'font-size="10" aria-label="share of right answers by confidence">{parts}</svg>'
    )


def picture(found: Sequence[tuple[str, Sequence[Bin]]]) -> str:
    """Several diagrams side by side, each under its caption, as one file; an empty one for none."""
    found = found or [("No answer blamed anybody.", ())]
    wide, high = _LEFT + _SIDE + 40, _TOP + _SIDE + _BELOW + 24
    parts = "".join(
        f'<svg x="{number * wide + 10}" y="0" width="{wide}" height="{high}">'
        f'<text x="{_LEFT}" y="16" font-weight="600">{escape(caption)}</text>'
        f'<g transform="translate(0 18)">{"".join((*_frame(), *_dots(bins), *_bars(bins)))}</g></svg>'
        for number, (caption, bins) in enumerate(found)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{len(found) * wide + 10}" height="{high}" '
        f'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="#fff"/>'
        f"{parts}</svg>\n"
    )


def _frame() -> Iterator[str]:
    yield f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#333"/>'
    yield (
        f'<rect x="{_x(SURE)}" y="{_TOP}" width="{_x(1) - _x(SURE)}" height="{_SIDE}" fill="#f2f6fb">'
        f"<title>from {SURE}: sure enough for the guardrail</title></rect>"
    )
    yield f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#999" stroke-dasharray="4 3"/>'
    for mark in _MARKS:
        yield f'<text x="{_x(mark)}" y="{_TOP + _SIDE + 13}" text-anchor="middle">{mark:g}</text>'
        yield f'<text x="{_LEFT - 6}" y="{_y(mark) + 3}" text-anchor="end">{mark:g}</text>'
    yield f'<text x="{_x(0.5)}" y="{_TOP + _SIDE + 26}" text-anchor="middle">confidence</text>'
    turned = f'x="11" y="{_y(0.5)}" transform="rotate(-90 11 {_y(0.5)})"'
    yield f'<text {turned} text-anchor="middle">share right</text>'


def _dots(found: Sequence[Bin]) -> Iterator[str]:
    for one in found:
        low, high = one.right.interval
        at = _x(one.confidence)
        yield f'<line x1="{at}" x2="{at}" y1="{_y(low)}" y2="{_y(high)}" stroke="#888"/>'
        yield (
            f'<circle cx="{at}" cy="{_y(one.right.value or 0.0)}" r="4" fill="#1f5fa8">'
            f"<title>{one.right.hits} of {one.right.of} right at {one.confidence:.2f}</title></circle>"
        )


def _bars(found: Sequence[Bin]) -> Iterator[str]:
    """How many answers stand behind each dot."""
    most = max((one.right.of for one in found), default=1)
    floor = _TOP + _SIDE + _BELOW - 2
    for one in found:
        tall = round(_COUNTS * one.right.of / most, 1)
        left = _x(one.confidence) - 2
        yield (
            f'<rect x="{left}" y="{floor - tall}" width="4" height="{tall}" fill="#9db8d6">'
            f"<title>{one.right.of} answers</title></rect>"
        )


def _x(share: float) -> float:
    return round(_LEFT + _SIDE * share, 1)


def _y(share: float) -> float:
    return round(_TOP + _SIDE * (1 - share), 1)
