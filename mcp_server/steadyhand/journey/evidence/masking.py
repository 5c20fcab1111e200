"""The one choke point for untrusted text: secrets and personal data become placeholders."""

import ipaddress
import re
from collections.abc import Callable, Sequence

_LONGEST = 4_000
_TELLING = 8  # shorter ones may be plain words or numbers elsewhere

_NAMED = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret"
    r"|authorization|credentials?|session[_-]?id|cookie|signature|sig"
)
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "key",
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)",
            re.DOTALL,
        ),
    ),
    ("token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")),
    (
        "token",
        re.compile(
            r"\b(?:bearer|basic|negotiate|digest(?=\s+\w+=))\s+(?P<secret>[\w.~+/=-]{6,})", re.IGNORECASE
        ),
    ),
    ("password", re.compile(r"://[^\s/:@]*:(?P<secret>[^\s/@]+)@")),
    (
        "secret",
        re.compile(
            rf"""(?<![\w-])[\w-]{{0,24}}?(?:{_NAMED})["']?\s*(?:=>|[=:]|%3[ad])\s*"""
            r"""(?P<secret>"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&"'<>)\]}]+)""",
            re.IGNORECASE,
        ),
    ),
    (
        "password",
        re.compile(r"(?:password|passphrase|pwd|secret)\s(?:is|to)\s(?P<secret>\S*\d\S*)", re.IGNORECASE),
    ),
    ("password", re.compile(rf"--(?:{_NAMED})\s+(?P<secret>[^\s-]\S*)", re.IGNORECASE)),
    ("key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")),
    ("key", re.compile(r"\b(?:gh[pousr]|github_pat|glpat|xox[abprs]|sk|pk|rk)[_-][\w-]{10,}")),
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("card", re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}\b")),
    ("token", re.compile(r"\b(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+/-]{32,}={0,2}")),
)
# Storms are made of short words and addresses: too short for any token, no number as long as a card's.
_PLAIN = re.compile(
    r"[\w.%/-]{0,12}|(?!eyJ)(?!.*\d{13})[A-Za-z0-9.%/]{0,15}|[0-9.]{1,40}:[0-9]{1,5}", re.ASCII
)
_SURE = tuple(one for one in _PATTERNS if "{32,}" not in one[1].pattern)  # the rest may be an id of ours
_ADDRESS = re.compile(
    r"(?<![\w.:/-])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4})(?![\w.]*\w)"
)
_PLACEHOLDER = re.compile(r"<(?P<kind>[a-z]+)-(?P<number>\d+)>")
_LITERAL = re.compile(r"'(?:[^']|'')*'?")
_NOTHING = re.compile(r"[\x00\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")  # of no width
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class Masker:
    """Gives every secret of one page the same placeholder wherever it appears, e.g. <email-1>."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def text(self, raw: str, limit: int) -> str:
        """One line without secrets and control characters, at most `limit` characters.

        Masks before it cuts, so that no secret loses only its recognisable half.
        """
        safe = " ".join(_UNSEEN.sub(" ", self._masked(raw)).split())
        return safe if len(safe) <= limit else safe[: limit - 1] + "…"

    def prose(self, raw: str, limit: int) -> str:
        """The same, with its line breaks."""
        lines = (" ".join(_UNSEEN.sub(" ", one).split()) for one in self._masked(raw).splitlines())
        safe = "\n".join(lines)
        return safe if len(safe) <= limit else safe[: limit - 1] + "…"

    def answers(self, parts: Sequence[str]) -> Sequence[str]:
        """The parts of one answer on their way out, whole and in their form; addresses are masked too.

        Placeholders that stand there already stay, and no new one is called like them.
        """
        for part in parts:
            for found in _PLACEHOLDER.finditer(part):
                kind, number = found["kind"], int(found["number"])
                self._counts[kind] = max(self._counts.get(kind, 0), number)
        return [self._swept(part) for part in parts]

    def _swept(self, text: str) -> str:
        for kind, pattern in _SURE:
            text = pattern.sub(self._replacer(kind), text)
        return _ADDRESS.sub(self._address, text)

    def _address(self, match: re.Match[str]) -> str:
        """A placeholder for an address of somebody; those of this machine or of nobody stay."""
        try:
            found = ipaddress.ip_address(match.group())
        except ValueError:
            return match.group()
        own = found.is_loopback or found.is_unspecified
        return match.group() if own else self._placeholder("ip", match.group())

    def _masked(self, raw: str) -> str:
        safe = _NOTHING.sub("", raw[:_LONGEST])
        if _PLAIN.fullmatch(safe) and not self._names:
            return safe
        for kind, pattern in _PATTERNS:
            safe = pattern.sub(self._replacer(kind), safe)
        for secret, name in self._names.items():
            if len(secret) >= _TELLING and any(one.isdigit() for one in secret):
                safe = safe.replace(secret, name)
        return safe

    def query(self, raw: str, limit: int) -> str:
        """A database statement without its string literals, which are often personal data."""
        return self.text(_LITERAL.sub("'?'", raw[:_LONGEST]), limit)

    def _replacer(self, kind: str) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            whole = match.group(0)
            if "secret" not in match.re.groupindex:
                return self._placeholder(kind, whole)
            secret = match.group("secret").strip("\"'")
            if not secret or secret.startswith("<"):
                return whole
            start, end = (one - match.start() for one in match.span("secret"))
            return whole[:start] + self._placeholder(kind, secret) + whole[end:]

        return replace

    def _placeholder(self, kind: str, secret: str) -> str:
        if kind == "card" and not _is_card(secret):
            return secret
        known = self._names.get(secret)
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._names[secret] = f"<{kind}-{self._counts[kind]}>"
        return known


def quoted(text: str) -> str:
    """Untrusted text in quotes it cannot leave."""
    return '"' + text.replace('"', "'") + '"'


def _is_card(text: str) -> bool:
    """Whether the digits pass the check sum of payment cards (ISO/IEC 7812-1, Luhn)."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
