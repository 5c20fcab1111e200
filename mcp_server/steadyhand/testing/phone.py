"""A phone that notes who was called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

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
        self.follows = False
        self.receipt_within: timedelta | None = None
        self.failure: SourceError | None = None
        self.rings: list[Call] = []
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

    def rang(self, target: str) -> int:
        """How often this person was called."""
        return sum(call.target == target for call in self.rings)
