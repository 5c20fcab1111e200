"""Untrusted text made fit for a channel: no markup of its own, no control characters, not too long."""

import hashlib
import re
import unicodedata

_KEPT = "\n\t"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()!|~])")
_CALLS = re.compile(r"([@#])(?=\S)")  # what could call a person or link an issue
_NOTHING = "\u2060"  # a word joiner: invisible, and it ends a mention


def visible(text: str) -> str:
    """Without control and format characters, which can repaint a screen or hide words; lines stay lines."""
    return "".join(one for one in text if one in _KEPT or unicodedata.category(one)[0] != "C")


def cut(text: str, most: int) -> str:
    """At most this many characters; what goes missing is the middle, where a stack trace is dullest."""
    if len(text) <= most:
        return text
    gap = "\n[…]\n" if "\n" in text else " […] "
    kept = max(most - len(gap), 0)
    head = kept - kept // 3
    return (text[:head] + gap + text[len(text) - (kept - head) :])[:most]


def one_line(text: str, most: int) -> str:
    """One line of visible text, at most this long."""
    return cut(" ".join(visible(text.replace("\n", " ").replace("\t", " ")).split()), most)


def slack(text: str, most: int) -> str:
    """For Slack's mrkdwn: the three characters that begin mentions and links are written as entities.

    The limit counts what is sent. Cut before escaping, so that no entity is cut in two.
    """
    shown = visible(text)
    room = most
    while True:
        escaped = cut(shown, room).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if len(escaped) <= most:
            return escaped
        room -= max((len(escaped) - most) // 5, 1)


def markdown(text: str, most: int) -> str:
    """For GitHub's Markdown: no formatting, no HTML, no mention, no link to another issue."""
    escaped = _MARKDOWN.sub(r"\\\1", cut(visible(text), most // 2))
    return _CALLS.sub(rf"\1{_NOTHING}", escaped)[:most]


def mark(key: str) -> str:
    """A key as a short word that every vendor takes in a header, a label or a comment, always the same."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:32]
