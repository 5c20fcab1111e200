"""The one choke point for untrusted text: secrets and personal data become placeholders.

Within an incident a placeholder has a number, `<ip-3>`, and means the same value wherever it stands. What was
not seen there before has letters, `<ip-a>`, until the incident's vault has numbered it; letters mean nothing
outside of the text they stand in. `<ip>` alone is a value nobody counted.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

from steadyhand.journey.evidence.secret_forms import SECRET_FORMS, may_hold_secret
from steadyhand.journey.rule import Value

_LONGEST = 4_000
_TELLING = 8  # shorter ones may be plain words or numbers elsewhere

_LONG = re.compile(r"\b(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])[\w+/-]{32,}={0,2}")  # a token, or an id of ours
_COMMIT = re.compile(r"(?:[A-Za-z.]{1,20}[/-]){0,9}(?:[0-9a-f]{64}|[0-9a-f]{40})(?:-dirty)?")
_SAID_COMMIT = re.compile(
    r"\b(?:commits?|revision|rev|sha(?:1|256)?|git|HEAD|parent|tree|merged?)\W{1,3}$", re.IGNORECASE
)
_BEFORE = 16  # characters before a commit in which a word may say that it is one
# Storms are made of short words and addresses: too short for any token, no number as long as a card's.
_PLAIN = re.compile(
    r"[\w.%/-]{0,12}|(?!eyJ)(?!.*\d{13})[A-Za-z0-9.%/]{0,15}|[0-9.]{1,40}:[0-9]{1,5}", re.ASCII
)
_ADDRESS = re.compile(
    r"(?:(?<![\w./])|(?<=//)|(?<=%2[Ff])|(?<=%3[Dd]))(?<![A-Za-z]-)\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)"
    r"|(?<![\w.:/-])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w.:]*\w)"
)
KINDS = ("ip", *dict.fromkeys(kind for kind, _ in SECRET_FORMS))
KEPT = frozenset({"ip", "email"})
"""Kinds whose values a vault keeps, sealed. Passwords, keys, tokens, cookies and cards are kept nowhere."""

_KIND = f"<(?P<kind>{'|'.join(KINDS)})"
_NUMBERED = re.compile(rf"{_KIND}-\d{{1,9}}>")
_LETTERED = re.compile(rf"{_KIND}-[a-z]{{1,3}}>")
_EITHER = re.compile(rf"{_KIND}-(?:\d{{1,9}}|[a-z]{{1,3}})>")
_LITERAL = re.compile(r"'(?:[^']|'')*'?")
_NOTHING = re.compile(r"[\x00\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")  # of no width
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class Hidden(NamedTuple):
    """What a placeholder stands for."""

    kind: str
    value: str


Known = Callable[[Hidden], str | None]
"""Tells the placeholder an incident has for a value; None for one it has not seen."""

Told = TypeVar("Told", bound=Value)


def _nobody(_: Hidden) -> None:
    return None


class Vault(Protocol):
    """The part of a store's transaction that knows what placeholders stand for. Raises LedgerError."""

    def known(self, incident: str) -> Known:
        """Tells the placeholder this incident has for a value, from what is stored now."""
        ...

    def name(self, incident: str, found: Mapping[str, Hidden]) -> Mapping[str, str]:
        """A number for each of these in this incident, by the letters it has now."""
        ...

    def originals(self, incident: str) -> Mapping[str, str]:
        """What this incident's placeholders stand for, of the kinds that are kept."""
        ...

    def erase(self, value: str) -> int:
        """Forget a value in every incident; returns in how many."""
        ...


class Masker:
    """Gives every secret of one page or answer the same placeholder wherever it appears.

    `known` tells those its incident has numbered. What it did not know is in `found`, by its letters.
    """

    def __init__(self, known: Known = _nobody, *, addresses: bool = True) -> None:
        self.found: dict[str, Hidden] = {}
        self._known = known
        self._addresses = addresses
        self._names: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def text(self, raw: str, limit: int, *, commits: bool = False) -> str:
        """One line without secrets and control characters, at most `limit` characters.

        Masks before it cuts, so that no secret loses only its recognisable half. `commits` says that the text
        is about changes: what looks like the id of a commit is one.
        """
        safe = " ".join(_UNSEEN.sub(" ", self._masked(raw, commits)).split())
        return safe if len(safe) <= limit else safe[: limit - 1] + "…"

    def prose(self, raw: str, limit: int, *, commits: bool = False) -> str:
        """The same, with its line breaks."""
        lines = (" ".join(_UNSEEN.sub(" ", one).split()) for one in self._masked(raw, commits).splitlines())
        safe = "\n".join(lines)
        return safe if len(safe) <= limit else safe[: limit - 1] + "…"

    def label(self, raw: str, limit: int) -> str:
        """The value of a label, by which rules choose: addresses stay."""
        kept, self._addresses = self._addresses, False
        try:
            return self.text(raw, limit)
        finally:
            self._addresses = kept

    def place(self, raw: str, limit: int) -> str:
        """Where something can be opened again. A path is long and holds digits: that makes it no token."""
        safe = " ".join(_UNSEEN.sub(" ", self.swept(raw[:_LONGEST])).split())
        return safe if len(safe) <= limit else safe[: limit - 1] + "…"

    def swept(self, text: str) -> str:
        """Text on its way out, whole and in its form, without what was overlooked before.

        Only what is certainly secret or personal: a long word may be an id of ours.
        """
        return self._swept(self._without_strangers(text))

    def numbers(self) -> dict[str, str]:
        """A number for each of what was found: for a page that is an incident of its own."""
        counts: Counter[str] = Counter()
        names = {}
        for letters, one in self.found.items():
            counts[one.kind] += 1
            names[letters] = f"<{one.kind}-{counts[one.kind]}>"
        return names

    def query(self, raw: str, limit: int) -> str:
        """A database statement without its string literals, which are often personal data."""
        return self.text(_LITERAL.sub("'?'", raw[:_LONGEST]), limit)

    def _masked(self, raw: str, commits: bool) -> str:  # noqa: FBT001 - private, and named by its callers
        safe = self._without_strangers(_NOTHING.sub("", raw[:_LONGEST]))
        if _PLAIN.fullmatch(safe) and not self._bare:
            return _ADDRESS.sub(self._address, safe) if self._addresses else safe
        safe = _LONG.sub(lambda found: self._long(found, commits), self._swept(safe))
        for secret, name in self._bare.items():
            safe = safe.replace(secret, name)
        return safe

    def _swept(self, text: str) -> str:
        for kind, pattern in SECRET_FORMS if may_hold_secret(text) else ():
            text = pattern.sub(self._replacer(kind), text)
        return _ADDRESS.sub(self._address, text) if self._addresses else text

    def _without_strangers(self, text: str) -> str:
        """Letters somebody wrote, or that were left of another text, must not be taken for ours."""
        if "<" not in text:
            return text
        return _LETTERED.sub(lambda one: one[0] if one[0] in self.found else _uncounted(one), text)

    def _address(self, match: re.Match[str]) -> str:
        """A placeholder for an address of somebody; those of this machine or of nobody stay."""
        try:
            found = ipaddress.ip_address(match.group())
        except ValueError:
            return match.group()
        own = found.is_loopback or found.is_unspecified
        return match.group() if own else self._placeholder(Hidden("ip", match.group()))

    def _long(self, match: re.Match[str], commits: bool) -> str:  # noqa: FBT001 - same
        whole, start = match.group(), match.start()
        said = commits or _SAID_COMMIT.search(match.string[max(0, start - _BEFORE) : start])
        return whole if said and _COMMIT.fullmatch(whole) else self._placeholder(Hidden("token", whole))

    def _replacer(self, kind: str) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            whole = match.group(0)
            if "secret" not in match.re.groupindex:
                return self._placeholder(Hidden(kind, whole))
            secret = match.group("secret").strip("\"'")
            if not secret or secret.startswith("<"):
                return whole
            start, end = (one - match.start() for one in match.span("secret"))
            return whole[:start] + self._placeholder(Hidden(kind, secret)) + whole[end:]

        return replace

    def _placeholder(self, one: Hidden) -> str:
        if one.kind == "card" and not _is_card(one.value):
            return one.value
        if one.value not in self._names:
            self._names[one.value] = self._known(one) or self._lettered(one)
            if one.kind not in KEPT and len(one.value) >= _TELLING and any(c.isdigit() for c in one.value):
                self._bare[one.value] = self._names[one.value]
        return self._names[one.value]

    def _lettered(self, one: Hidden) -> str:
        self._counts[one.kind] = self._counts.get(one.kind, 0) + 1
        name = f"<{one.kind}-{_letters(self._counts[one.kind])}>"
        self.found[name] = one
        return name


def named(told: Told, names: Mapping[str, str]) -> Told:
    """A value of ours with the numbers of its incident where letters stood."""
    if not names:
        return told
    return type(told).model_validate_json(renamed(told.model_dump_json(), names))


def unnumbered(told: Told) -> Told:
    """A value of ours as it leaves its incident."""
    return type(told).model_validate_json(uncounted(told.model_dump_json()))


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The same of a text."""
    return _LETTERED.sub(lambda one: names.get(one[0], one[0]), text) if names else text


def uncounted(text: str) -> str:
    """Text that leaves its incident: what is numbered there means nothing elsewhere."""
    return _EITHER.sub(_uncounted, text)


def put_back(text: str, originals: Mapping[str, str]) -> str:
    """The text with what its placeholders stand for, where that is known."""
    return _NUMBERED.sub(lambda one: originals.get(one[0], one[0]), text)


def placeholders(texts: Iterable[str]) -> Iterator[str]:
    """Every placeholder in these texts, lettered ones too."""
    for text in texts:
        yield from (one[0] for one in _EITHER.finditer(text))


def _uncounted(one: re.Match[str]) -> str:
    return f"<{one['kind']}>"


def _letters(number: int) -> str:
    """1 is a, 26 is z, 27 is aa."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def quoted(text: str) -> str:
    """Untrusted text in quotes it cannot leave."""
    return '"' + text.replace('"', "'") + '"'


def _is_card(text: str) -> bool:
    """Whether the digits pass the check sum of payment cards (ISO/IEC 7812-1, Luhn)."""
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
