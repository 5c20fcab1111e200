"""A phone that notes who was called."""

from dataclasses import dataclass

from steadyhand.ports import SourceError


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
        self.failure: SourceError | None = None
        self.rings: list[Call] = []
        self._by_key: dict[str, str] = {}

    async def send(self, key: str, target: str, subject: str, body: str) -> str:
        """Note the message once per key; raises `failure` when one is set."""
        if self.failure is not None:
            raise self.failure
        if key not in self._by_key:
            self.rings.append(Call(key, target, subject, body))
            self._by_key[key] = f"ring-{len(self.rings)}"
        return self._by_key[key]

    def rang(self, target: str) -> int:
        """How often this person was called."""
        return sum(call.target == target for call in self.rings)
