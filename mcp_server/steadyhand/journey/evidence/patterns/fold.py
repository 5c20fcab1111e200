"""Stack traces folded: what was thrown, and the top frames that are not a library's."""

import re
from collections.abc import Mapping, Sequence

from steadyhand.journey.evidence.patterns.formats.parsed import LONGEST_MESSAGE

_REASONS = ("error", "err", "exception", "exc_info", "reason", "cause")
_MOST_FRAMES = 3
_LONGEST = 600
_JAVA_FRAME = re.compile(r"\s+at ([\w.$<>/]+)\(")
_PYTHON_FRAME = re.compile(r'\s+File "([^"]+)", line \d+, in (\S+)')
_GO_FRAME = re.compile(r"^([\w./*()-]+\.[\w.*()]+)\(.*\)$")
_NODE_FRAME = re.compile(r"\s+at (?:async )?([\w.<>$ ]+) \((?!node:)([^)]*)\)")
_THROWN = re.compile(r"^(?:Caused by: )?((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?::\s?(.*))?$")
_LIBRARY = re.compile(
    r"^(?:java|javax|jdk|sun|com\.sun|kotlin|scala|org\.springframework|org\.apache|org\.hibernate|io\.netty"
    r"|reactor|runtime|net/http|testing)[./]|site-packages|dist-packages|/lib/python|node_modules|^<frozen"
)


def summary(lines: Sequence[str]) -> str:
    """The lines that follow a record's first one, as one line: exception, its text, top own frames.

    The last exception named is the root cause: Java's last "Caused by", Python's last line. Lines that
    are no stack trace are joined as they are.
    """
    thrown = [match for line in lines if (match := _THROWN.match(line.rstrip()))]
    frames = _frames(lines)
    if not frames:
        return " ".join(line.strip() for line in lines)[:_LONGEST]
    last = thrown[-1] if thrown else None
    what = "" if last is None else last[1] + (f": {last[2]}" if last[2] else "")
    own = [one for one in frames if not _LIBRARY.search(one)] or frames
    return f"{what} at {' < '.join(_short(one) for one in own[:_MOST_FRAMES])}"[:_LONGEST].strip()


def _frames(lines: Sequence[str]) -> list[str]:
    """The frames, the innermost first. Python writes it last."""
    python = [f"{match[1]}:{match[2]}" for line in lines if (match := _PYTHON_FRAME.match(line))]
    if python:
        return python[::-1]
    others = (_JAVA_FRAME, _NODE_FRAME, _GO_FRAME)
    root = max((at for at, line in enumerate(lines) if line.startswith("Caused by:")), default=0)
    return [match[1] for line in lines[root:] for one in others if (match := one.match(line))]


def _short(frame: str) -> str:
    """A frame without the folders of its file."""
    return frame.rsplit("/", 1)[-1]


def text_of(message: str, fields: Mapping[str, str]) -> str:
    """The message, on one line, with the error it carries, so that two errors are not one message."""
    reasons = [value for name in _REASONS if (value := fields.get(name)) and value not in message]
    return ": ".join([_one_line(one) for one in (message, *reasons)])[:LONGEST_MESSAGE]


def _one_line(text: str) -> str:
    first, *more = text.split("\n")
    return f"{first} {summary(more)}" if more else first
