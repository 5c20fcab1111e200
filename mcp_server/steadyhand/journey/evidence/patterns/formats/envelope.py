"""Envelopes that container runtimes put around each line a program writes: Docker's json-file, and CRI's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from steadyhand.journey.evidence.patterns.formats import stamps
from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE, Parsed, severity_in

_DOCKER = {"log", "stream", "time", "attrs"}
_CRI = re.compile(
    rf"(?P<stamp>{stamps.ISO}) (?P<stream>stdout|stderr) [FP](?::\S*)? ?(?P<text>.*)", re.DOTALL
)
_CONTINUES = re.compile(r"[ \t]|Caused by: |Traceback \(most recent|\.\.\. \d+ more|[}\])]")
Inner = Callable[[str], Parsed | None]


def docker_text(decoded: Mapping[str, object]) -> str | None:
    """The line in Docker's envelope; None when this is another JSON object."""
    text = decoded.get("log")
    return text.rstrip("\r\n") if isinstance(text, str) and decoded.keys() <= _DOCKER else None


def cri_line(line: str, inner: Inner) -> Parsed | None:
    """A line in the envelope of containerd and CRI-O."""
    match = _CRI.match(line)
    return (
        None if match is None else opened(match["stamp"], match["text"], {"stream": match["stream"]}, inner)
    )


def opened(stamp: str | float, text: str, fields: Mapping[str, str], inner: Inner) -> Parsed:
    """The record of a line in an envelope. The runtime's stamp counts: it names its zone, and is in order."""
    if _CONTINUES.match(text):
        return Parsed(stamp, text[:LONGEST_MESSAGE], fields=dict(fields), continues=True)
    found = inner(text)
    if found is None:
        return Parsed(stamp, text[:LONGEST_MESSAGE], severity_in(text), dict(fields))
    return replace(found, stamp=stamp, fields={**found.fields, **fields})
