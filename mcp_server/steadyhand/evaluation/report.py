"""The scoreboard as text, as JSON and as one HTML page with the reliability diagram."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

from steadyhand.evaluation.figures import SURE, Bin, Share
from steadyhand.evaluation.score import Row, Scored

_SIDE = 220
_EDGE = 30
_WIDE = "{:38} {:>4} {:>6} {:>16} {:>16} {:>5} {:>17} {:>6} {:>6} {:>8} {:>7} {:>5} {:>8} {:>7}"
_HEADS = (
    "system / family",
    "n",
    "chance",
    "AC@1",
    "AC@3",
    "Avg@5",
    "n-sig/BARO/graph",
    "abst.",
    "spec.",
    "conf.wrong",
    f">={SURE}",
    "ECE",
    "onset s",
    "s/case",
)


def shown(share: Share) -> str:
    """A share with its 95 % interval."""
    if share.value is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.2f} [{low:.2f},{high:.2f}]"


def short(value: float | None) -> str:
    """Two digits, or a dash."""
    return "-" if value is None else f"{value:.2f}"


def cells(row: Row) -> tuple[str, ...]:
    """The columns of one row."""
    sure = "-" if row.sure_right.value is None else f"{row.sure_right.hits}/{row.sure_right.of}"
    return (
        row.name,
        str(row.n),
        short(row.chance),
        shown(row.first),
        shown(row.three),
        short(row.average),
        "/".join(short(one.value) for one in row.baselines.values()),
        short(row.abstained.value),
        short(row.specificity.value),
        f"{row.confident_wrong.hits}/{row.confident_wrong.of}",
        sure,
        short(row.calibration_error),
        "-" if row.onset_error is None else f"{row.onset_error:.0f}",
        f"{row.seconds:.2f}",
    )


def as_text(found: Sequence[Row]) -> str:
    """The table for a terminal, the pooled row last."""
    lines = [_WIDE.format(*_HEADS), *(_WIDE.format(*cells(row)) for row in found), *_asked(found)]
    return "\n".join(line.rstrip() for line in lines)


def _asked(found: Sequence[Row]) -> Iterator[str]:
    """What only some cases ask for: fault class, change, decoys; and tokens spent."""
    for row in found:
        parts = (
            ("fault class", row.fault_class),
            ("change", row.change),
            ("decoy blamed", row.decoys if row.change.of else Share(0, 0)),
        )
        told = [f"{name} {one.hits}/{one.of}" for name, one in parts if one.of]
        if told or row.tokens:
            yield f"  {row.name}: {', '.join([*told, f'{row.tokens} tokens'])}"


def as_json(found: Sequence[Row], scored: Sequence[Scored], about: dict[str, str]) -> str:
    """Everything, case by case, for another program."""
    board = {
        "about": about,
        "rows": [asdict(row) for row in found],
        "cases": [asdict(one) for one in scored],
    }
    return json.dumps(board, indent=1, default=_plain)


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return sorted(value) if isinstance(value, frozenset) else str(value)


def as_html(found: Sequence[Row], about: dict[str, str]) -> str:
    """One page without a script: the table, and under it a reliability diagram for each system."""
    head = "".join(f"<th>{escape(one)}</th>" for one in _HEADS)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(one)}</td>" for one in cells(row)) + "</tr>" for row in found
    )
    told = "".join(f"<li>{escape(name)}: {escape(text)}</li>" for name, text in about.items())
    pictures = "".join(
        f"<figure>{diagram(row.bins)}<figcaption>{escape(row.name)}: ECE {short(row.calibration_error)}"
        f"</figcaption></figure>"
        for row in found
        if row.bins and " / " not in row.name
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Scoreboard</title>'
        "<style>body{font:14px system-ui;margin:2em}table{border-collapse:collapse}"
        "td,th{border:1px solid #ccc;padding:2px 6px;text-align:right}td:first-child{text-align:left}"
        "figure{display:inline-block}</style>"
        f"<h1>Scoreboard</h1><ul>{told}</ul><table><tr>{head}</tr>{body}</table>"
        f"<h2>Is the confidence to be believed?</h2>{pictures}</html>"
    )


def diagram(found: Sequence[Bin]) -> str:
    """The reliability diagram as SVG: how often the answers of each bin were right, by how sure they were."""
    marks = "".join(
        f'<line x1="{_x(one.confidence)}" x2="{_x(one.confidence)}" y1="{_y(one.right.interval[0])}" '
        f'y2="{_y(one.right.interval[1])}" stroke="#999"/>'
        f'<circle cx="{_x(one.confidence)}" cy="{_y(one.right.value or 0.0)}" r="4" fill="#1f5fa8">'
        f"<title>{one.right.hits} of {one.right.of} right at {one.confidence:.2f}</title></circle>"
        for one in found
    )
    whole = _SIDE + 2 * _EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{whole}" role="img" '
        f'aria-label="share of right answers by confidence"><rect x="{_EDGE}" y="{_EDGE}" width="{_SIDE}" '
        f'height="{_SIDE}" fill="none" stroke="#333"/>'
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#ccc"/>{marks}'
        f'<text x="{whole / 2}" y="{whole - 8}" text-anchor="middle" font-size="11">confidence</text>'
        f'<text x="8" y="{_EDGE - 8}" font-size="11">share right</text></svg>'
    )


def _x(share: float) -> float:
    return round(_EDGE + _SIDE * share, 1)


def _y(share: float) -> float:
    return round(_EDGE + _SIDE * (1 - share), 1)
