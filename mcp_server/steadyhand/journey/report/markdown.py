"""The report as Markdown. Untrusted words are escaped: no markup, no link, no mention comes of them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from steadyhand.journey.evidence.wording import quantity
from steadyhand.journey.report.figures import span
from steadyhand.journey.report.model import Event, Figures, Report, RootCause

_SPECIAL = re.compile(r"([\\`*_\[\]#|~])")
_LINKING = re.compile(r"(://|@)")
_NOTHING_WIDE = "\u200b"
_NOTHING = "Nothing to say."


def markdown(report: Report) -> str:
    """The whole report, ready for a file or an issue."""
    return "\n".join([*_head(report), *_body(report)]).rstrip() + "\n"


def plain(text: str) -> str:
    """One line of text that shows as it is: nothing in it is acted on by Markdown, HTML or a terminal."""
    shown = "".join(" " if unicodedata.category(one)[0] == "C" else one for one in text)
    flat = " ".join(shown.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINKING.sub(rf"\1{_NOTHING_WIDE}", _SPECIAL.sub(r"\\\1", flat))


def figure_rows(figures: Figures) -> tuple[tuple[str, str], ...]:
    """Each figure's name with its value in words."""
    rows = (
        ("Time to detect (MTTD)", figures.detect),
        ("Evidence read", figures.evidence),
        ("Fix ready", figures.fix_ready),
        ("Approval", figures.approval),
        ("Rollout and verification", figures.rollout),
        ("Time to resolve (MTTR)", figures.resolve),
        ("Felt by users", figures.whole),
    )
    return tuple((name, span(value)) for name, value in rows)


def _head(report: Report) -> Iterator[str]:
    yield f"# {report.severity} {plain(report.service)}: {plain(report.title)}"
    yield ""
    draft = "" if report.final else " **Draft: the incident is still open.**"
    yield f"Incident {plain(report.incident)}, {plain(report.severity_why)}.{draft}"


def _body(report: Report) -> Iterator[str]:
    yield from _section("Summary", [plain(one) for one in report.summary])
    yield from _section("Impact", _bullets(report.impact))
    yield from _section("Figures", _table(("What", "How long"), figure_rows(report.figures)))
    yield from _section("Timeline (UTC)", map(_event, report.timeline))
    yield from _section("Root cause", _cause(report.root_cause))
    yield from _section("What was done, and by whose consent", _bullets(report.done))
    yield from _section("Canary", _bullets(report.canary))
    yield from _section("Not proven", _bullets(report.unproven))
    yield from _section("Follow-ups", [f"- [ ] {plain(one)}" for one in report.follow_ups])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from list(lines) or [_NOTHING]


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {plain(one)}" for one in lines]


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head[0]} | {head[1]} |"
    yield "|---|---|"
    for name, value in rows:
        yield f"| {plain(name)} | {plain(value)} |"


def _event(event: Event) -> str:
    who = f" {plain(event.who)}:" if event.who else ""
    return f"- {event.at:%H:%M:%S}{who} {plain(event.text)} ({plain(event.source)})"


def _cause(cause: RootCause | None) -> Iterator[str]:
    if cause is None:
        return
    kind = "calibrated" if cause.calibrated else "uncalibrated"
    sure = quantity(cause.confidence, "share")
    yield plain(cause.claim)
    yield ""
    what = f"{plain(cause.fault_class)} of {plain(cause.entity)}"
    yield f"{what}, confidence {sure} ({kind}), by {plain(cause.by)}."
    yield ""
    yield from (f"- For: {plain(one.title)} ({plain(one.id)})" for one in cause.supports)
    yield from (f"- Against: {plain(one.title)} ({plain(one.id)})" for one in cause.contradicts)
