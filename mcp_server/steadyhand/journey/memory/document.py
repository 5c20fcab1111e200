"""A post-mortem in Markdown taken apart: its title, its sections, what is labelled, its quoted lines.

Only blocks are parsed, by markdown-it: what stands in a line stays text, and no HTML is made of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

_KEY = 40
_ADORNED = " \t*_`~-+•>|#"
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_NUMBERED = re.compile(r"^[\d.)\s]+")


class Section(NamedTuple):
    """A heading and the text below it, down to the next heading that is not under it."""

    heading: str
    text: str


class Document(NamedTuple):
    """What a reader would find by skimming."""

    title: str
    sections: tuple[Section, ...]
    labels: Mapping[str, str]
    """Lower-case key -> value of lines such as `**Service:** checkout`, and of tables with two columns."""
    quoted: tuple[str, ...]
    """Lines of blocks of code: messages, most of the time."""


class _Block(NamedTuple):
    level: int  # of a heading; 0: text
    text: str


def read_document(body: str) -> Document:
    """The document taken apart; whatever is no Markdown is one text without a heading."""
    tokens = _parser().parse(_COMMENT.sub("", body))
    blocks = list(_blocks(tokens))
    heads = [one.text for one in blocks if one.level]
    return Document(
        title=heads[0] if heads else "",
        sections=tuple(_sections(blocks)),
        labels=dict(_labels(tokens)),
        quoted=tuple(_quoted(tokens)),
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _blocks(tokens: Sequence[Token]) -> Iterator[_Block]:
    for before, one in pairwise(tokens):
        if one.type == "inline":
            head = before.type == "heading_open"
            yield _Block(int(before.tag[1:]) if head else 0, " ".join(one.content.split()))


def _sections(blocks: Sequence[_Block]) -> Iterator[Section]:
    """Each heading with all text below it, that of its own sub-headings included."""
    for place, head in enumerate(blocks):
        if head.level:
            below: list[str] = []
            for one in blocks[place + 1 :]:
                if 0 < one.level <= head.level:
                    break
                below += [one.text] if not one.level else []
            yield Section(_bare(_NUMBERED.sub("", head.text)).lower(), " ".join(below))


def _labels(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    cells: list[str] = []
    for before, one in pairwise(tokens):
        if before.type == "tr_open":
            cells = []
        if one.type == "tr_close" and len(cells) == 2:  # noqa: PLR2004 - a key and its value
            yield _bare(cells[0]).rstrip(":").lower(), _bare(cells[1])
        if one.type == "inline" and before.type in ("td_open", "th_open"):
            cells.append(one.content)
        elif one.type == "inline" and before.type != "heading_open":
            yield from _labelled(one.content)


def _labelled(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        key, found, value = line.partition(":")
        if found and len(key) <= _KEY and _bare(value):
            yield _bare(key).lower(), _bare(value)


def _bare(text: str) -> str:
    """Without what only adorns it: `**checkout**` is checkout, a link is its text."""
    return re.sub(r"^\[([^\]]*)\]\([^)]*\)$", r"\1", text.strip(_ADORNED)).strip(_ADORNED)


def _quoted(tokens: Sequence[Token]) -> Iterator[str]:
    for one in tokens:
        if one.type in ("fence", "code_block"):
            yield from (line.strip() for line in one.content.splitlines() if line.strip())
