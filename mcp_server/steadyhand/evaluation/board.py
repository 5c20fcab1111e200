"""The scoreboard as one HTML page without a script: tables, reliability diagrams, and every case."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from steadyhand.evaluation.diagram import diagram, picture
from steadyhand.evaluation.figures import SURE, Share
from steadyhand.evaluation.report import FAMILY, HEADS, MEANS, cells, short, shown
from steadyhand.evaluation.score import Row, Scored

_STYLE = """\
body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#222}
table{border-collapse:collapse;margin:.5em 0 1.5em}
td,th{border:1px solid #ccc;padding:3px 7px;text-align:right;white-space:nowrap}
th{background:#eef2f7}td:first-child,th:first-child{text-align:left}
.methods td:nth-child(2),.methods th:nth-child(2){text-align:left}
.words td{text-align:left;white-space:normal}
tr.system td{border-top:2px solid #667;font-weight:600}tr.pooled td{border-top:2px solid #667;color:#666}
tr.right td{background:#f3faf3}tr.wrong td{background:#fdf3f2}tr.failed td{background:#fff8e1}
figure{display:inline-block;margin:0 1em 1em 0;vertical-align:top}figcaption{max-width:280px}
ul{padding-left:1.2em}summary{cursor:pointer;font-weight:600}"""
_MORE: dict[str, str] = {
    "class": "the fault class is right, of the cases that ask for it",
    "change": "the guilty change is named, or none where none is guilty",
    "decoy": "an innocent change was blamed",
    "tokens": "tokens read and written, and what they cost where a price was given",
}


def as_html(found: Sequence[Row], scored: Sequence[Scored], about: Mapping[str, str]) -> str:
    """The whole page. Systems with their families below them; the pooled row last and never alone."""
    told = "".join(f"<li><b>{escape(name)}</b>: {escape(text)}</li>" for name, text in about.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Scoreboard</title>'
        f"<style>{_STYLE}</style></head><body><h1>Scoreboard</h1><ul>{told}</ul>"
        f"<h2>Is the true cause named?</h2>{_table(found, _NAMED)}{_methods(found)}"
        f"<h2>When does it say so?</h2>{_table(found, _SAYING)}{_meanings()}{_failed(scored)}"
        f"<h2>Is the confidence to be believed?</h2>{_pictures(found)}{_cases(scored)}</body></html>"
    )


_WHO = (HEADS[0], "n")
_NAMED = (*_WHO, "chance", "AC@1", "AC@3", "Avg@5", "class", "change", "decoy", "pairs", "onset s")
_SAYING = (*_WHO, "fail", "abst.", "spec.", "conf.wrong", f">={SURE}", "ECE", "s/case", "tokens")


def _table(found: Sequence[Row], columns: Sequence[str]) -> str:
    means = MEANS | _MORE
    head = "".join(f'<th title="{escape(means.get(one, ""))}">{escape(one)}</th>' for one in columns)
    rows = "".join(
        f'<tr class="{_kind(row.name, row is found[-1])}">'
        + "".join(f"<td>{escape(told[one])}</td>" for one in columns)
        + "</tr>"
        for row in _in_order(found)
        for told in [dict(zip((*HEADS, *_MORE), (*_named(row), *_more(row)), strict=True))]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _methods(found: Sequence[Row]) -> str:
    """Each system by who answered here, by the plain methods and by a blind draw."""
    head = "".join(f"<th>{one}</th>" for one in (HEADS[0], "method", "AC@1", "AC@3", "Avg@5"))
    rows = "".join(
        f'<tr class="{"system" if number == 0 else "family"}">'
        + "".join(f"<td>{escape(text)}</td>" for text in (row.name if number == 0 else "", *told))
        + "</tr>"
        for row in found
        if FAMILY not in row.name and row.first.of
        for number, told in enumerate(_compared(row))
    )
    return (
        "<h3>Beside plain methods, on the same cases</h3>"
        f'<table class="methods"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _compared(row: Row) -> Iterator[tuple[str, ...]]:
    yield "answered here", shown(row.first), shown(row.three), short(row.average)
    for name, first in row.baselines.items():
        yield name, shown(first), shown(row.baselines_three[name]), short(row.baselines_average[name])
    yield "chance", short(row.chance), short(row.chance_three), "-"


def _more(row: Row) -> tuple[str, ...]:
    asked = (row.fault_class, row.change, row.decoys if row.change.of else Share(0, 0))
    told = (f"{one.hits}/{one.of}" if one.of else "-" for one in asked)
    paid = "" if row.cost is None else f", ${row.cost:.2f}"
    return (*told, f"{row.tokens or '-'}{paid}")


def _in_order(found: Sequence[Row]) -> Iterator[Row]:
    """Each system, then its families, then the pooled row."""
    *rest, pooled = found
    for system in (one for one in rest if FAMILY not in one.name):
        yield system
        yield from (one for one in rest if one.name.startswith(system.name + FAMILY))
    yield pooled


def _named(row: Row) -> tuple[str, ...]:
    name, *others = cells(row)
    return (f"\N{EN QUAD}{name.split(FAMILY, 1)[1]}" if FAMILY in name else name, *others)


def _kind(name: str, pooled: bool) -> str:  # noqa: FBT001 - of a row, said by its place
    return "pooled" if pooled else "family" if FAMILY in name else "system"


def _meanings() -> str:
    told = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in (MEANS | _MORE).items()
    )
    return f'<details><summary>What the columns mean</summary><table class="words">{told}</table></details>'


def _failed(scored: Sequence[Scored]) -> str:
    told = "".join(
        f"<li>{escape(one.system)}: {escape(one.answer.failed)}</li>" for one in scored if one.answer.failed
    )
    return f"<h2>Cases without an answer</h2><ul>{told}</ul>" if told else ""


def _pictures(found: Sequence[Row]) -> str:
    """Systems and all together first; families, which hold fewer answers, behind a click."""
    words = (
        "<p>Each dot is about a fifth of the answers that blamed somebody, with its 95 % interval; the bar "
        "below says how many they are. On the dashed line, of ten answers 70 % sure seven are "
        "right; above it an answer is less sure than it is right, below it, it boasts.</p>"
    )
    systems = "".join(_picture(one) for one in found if one.bins and FAMILY not in one.name)
    families = "".join(_picture(one) for one in found if one.bins and FAMILY in one.name)
    if not systems:
        return "<p>No answer blamed anybody, so there is no confidence to judge.</p>"
    return f"{words}{systems}<details><summary>By fault family</summary>{families}</details>"


def _picture(row: Row) -> str:
    return f"<figure>{diagram(row.bins)}<figcaption>{escape(_caption(row))}</figcaption></figure>"


def _caption(row: Row) -> str:
    claims = sum(one.right.of for one in row.bins)
    return f"{row.name}: ECE {short(row.calibration_error)} of {claims} claims"


def as_picture(found: Sequence[Row]) -> str:
    """The reliability diagrams of the systems and of all together, as one SVG."""
    return picture([(_caption(one), one.bins) for one in found if one.bins and FAMILY not in one.name])


_CASE = (
    "case",
    "family",
    "true cause",
    "named first",
    "confidence",
    "rank",
    "onset off by, s",
    "seconds",
    "tokens",
)


def _cases(scored: Sequence[Scored]) -> str:
    head = "".join(f"<th>{one}</th>" for one in _CASE)
    body = "".join(
        f'<tr class="{_verdict(one)}">' + "".join(f"<td>{escape(text)}</td>" for text in _case(one)) + "</tr>"
        for one in scored
    )
    return (
        "<h2>Every case</h2><p>Green: right. Red: wrong, or silent though something was wrong. Yellow: no "
        f"answer.</p><details><summary>{len(scored)} cases</summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></details>"
    )


def _verdict(one: Scored) -> str:
    return "failed" if one.answer.failed else "right" if one.right else "wrong"


def _case(one: Scored) -> tuple[str, ...]:
    answer, truth = one.answer, one.truth
    first = "nobody" if answer.abstained else answer.components[0] if answer.components else "-"
    return (
        f"{one.system} {one.case}",
        truth.family,
        _what(truth.component or ("nobody" if truth.healthy else "-"), truth.fault_class, None),
        "no answer"
        if answer.failed
        else _what(first, None if answer.abstained else answer.fault_class, answer.change),
        "-" if answer.abstained else short(answer.confidence),
        str(one.rank or "-"),
        "-" if one.onset_error is None else f"{one.onset_error:+.0f}",
        short(answer.seconds),
        str(answer.tokens or "-"),
    )


def _what(who: str, fault: str | None, change: str | None) -> str:
    return " ".join(part for part in (who, fault and f"({fault})", change and f"by {change}") if part)
