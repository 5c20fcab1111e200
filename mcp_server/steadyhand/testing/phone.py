"""A phone that notes who was called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from steadyhand.journey.commands import TALK
from steadyhand.ports import Letter, SourceError


@dataclass(frozen=True, slots=True)
class Call:
    """One message as it reached the phone."""

    key: str
    target: str
    subject: str
    body: str


class Phone:
    """A Channel that keeps every message; a repeated key is one message."""

    def __init__(self, name: str = "phone") -> None:
        self.name = name
        self.carries = TALK - {"acknowledged"}
        self.receipt_within: timedelta | None = None
        self.failure: SourceError | None = None
        self.rings: list[Call] = []
        self.heard: set[str] = set()
        self._by_key: dict[str, str] = {}

    async def send(self, letter: Letter) -> str:
        """Note the message once per key; raises `failure` when one is set."""
        if self.failure is not None:
            raise self.failure
        if letter.key not in self._by_key:
            self.rings.append(Call(letter.key, letter.target, letter.subject, letter.body))
            self._by_key[letter.key] = f"ring-{len(self.rings)}"
        return self._by_key[letter.key]

    async def find(self, letter: Letter) -> str:
        """What an earlier try left."""
        return self._by_key.get(letter.key, "")

    async def ready(self) -> Sequence[str]:
        """Always."""
        return ()

    def __call__(self, target: str) -> "Line":
        """This person's end of it: `night.phone("lead").rang_once`."""
        return Line(self, target)

    @property
    def unheard(self) -> list[Call]:
        """What rang and no story has listened to."""
        return [one for one in self.rings if one.key not in self.heard]

    def rang(self, target: str) -> int:
        """How often this person was called."""
        return sum(call.target == target for call in self.rings)


class Line:
    """One person's telephone: what rang and nobody has listened to yet."""

    def __init__(self, phone: Phone, target: str) -> None:
        self._phone = phone
        self._target = target

    @property
    def waiting(self) -> list[Call]:
        """What rang and was not heard, in order."""
        return [one for one in self._phone.unheard if one.target == self._target]

    @property
    def silent(self) -> bool:
        """Nothing rang that was not heard before."""
        return not self.waiting

    @property
    def rang_once(self) -> bool:
        """Exactly one message since the last was heard; it counts as heard now."""
        return len(self._hear()) == 1

    def says(self, *words: str) -> bool:
        """Exactly one message since the last was heard, and it holds all these words; it counts as heard."""
        heard = self._hear()
        return len(heard) == 1 and all(one in f"{heard[0].subject} {heard[0].body}" for one in words)

    def _hear(self) -> list[Call]:
        heard = self.waiting
        self._phone.heard.update(one.key for one in heard)
        return heard
