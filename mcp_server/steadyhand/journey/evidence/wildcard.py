"""From one raw log line to its template: what varies becomes <*>."""

import re

Template = tuple[str, ...]

PUNCTUATION = frozenset("=:,()[]{}\"';|<>")
VALUE = "<*>"
_TOKEN = re.compile(r"""\s+|(?:<\*>|[^\s=:,()\[\]{}"';|<>])+|[=:,()\[\]{}"';|<>]""")
_MASKS = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (r"^\s*[\w.-]+:\d+(?=\s)", 0, VALUE),
        (r'"[^"]*"', 0, f'"{VALUE}"'),
        (r"'[^']*'", 0, f"'{VALUE}'"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE, VALUE),
        (r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE, VALUE),
        (
            r"<?\b\d+(?:\.\d+)?\s?(?:bytes?|[KMGT]i?B|B|msecs?|ms|secs?|seconds?|s|us|ns|min(?:utes)?|h(?:ours)?)\b",
            0,
            VALUE,
        ),
        (r"\b0x[0-9a-f]+\b", re.IGNORECASE, VALUE),
        (r"\b(?=[a-f]*\d)[0-9a-f]{6,}\b", re.IGNORECASE, VALUE),
        (r"\b[a-z][a-z0-9+.-]{1,12}://[^\s\"'<>]+", re.IGNORECASE, VALUE),
        (r"\b\d+(?:[./-]\d+)+(?::\d+)?\b", 0, VALUE),
        (r"(?<![\w.])/(?:[\w.@%+-]+/)+[\w.@%+-]*", 0, VALUE),
        (r"\b(?:true|false|null|None|nil)\b", 0, VALUE),
    )
)


def template_of(line: str) -> Template:
    """The tokens of a line with every value replaced; lists of values become one value."""
    for pattern, replacement in _MASKS:
        line = pattern.sub(replacement, line)
    out: list[str] = []
    after_value = False
    for part in _TOKEN.findall(line):
        if part.isspace() or (after_value and part == ","):
            continue
        is_value = VALUE in part or any(one.isdigit() for one in part)
        if not is_value:
            out.append(part)
        elif not after_value:
            out.append(VALUE)
        after_value = is_value
    return tuple(out)


def shown(template: Template) -> str:
    """A template as one reads it."""
    text = " ".join(template)
    return re.sub(r"\s?([=:,;)\]}|\"'])", r"\1", re.sub(r"([(\[{=\"'])\s", r"\1", text))
