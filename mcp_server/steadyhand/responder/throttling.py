"""Which of the claimed messages leave now, which of them together, and which wait."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from steadyhand.journey.escalation.throttle import ThrottleRule
from steadyhand.store import Message

Bundle = tuple[Message, ...]
"""Pages to one person by one channel that leave as one message; or one message alone."""


@dataclass(frozen=True, slots=True)
class Held:
    """A page that must wait until an instant."""

    message: Message
    until: datetime


class Throttle:
    """Knows what left, by channel and person; each process knows its own, so limits hold for each worker.

    Only first tries of pages are held back: a question, and word that somebody has it, are worth their ring,
    and what failed has not rung.
    """

    def __init__(self, rule: ThrottleRule) -> None:
        self._rule = rule
        self._left: dict[tuple[str, str], list[datetime]] = {}

    def sort_out(self, messages: Iterable[Message], now: datetime) -> tuple[Sequence[Bundle], Sequence[Held]]:
        """Those that leave now, in their order and pages to one person together, and those that wait."""
        messages = tuple(messages)
        alone: list[Bundle] = []
        pages: dict[tuple[str, str], list[Message]] = {}
        for one in messages:
            if one.act == "page" and one.attempts == 1 and one.channel in self._rule.limits:
                pages.setdefault((one.channel, one.target), []).append(one)
            else:
                alone.append((one,))
        together, held = self._pages(pages, now)
        order = {one.key: number for number, one in enumerate(messages)}
        return sorted([*alone, *together], key=lambda bundle: order[bundle[0].key]), held

    def _pages(
        self, pages: dict[tuple[str, str], list[Message]], now: datetime
    ) -> tuple[Sequence[Bundle], Sequence[Held]]:
        together: list[Bundle] = []
        held: list[Held] = []
        for way, group in pages.items():
            left = [at for at in self._left.get(way, ()) if now - at < self._rule.longest]
            until = self._rule.earliest(way[0], left, now)
            if until > now:
                held += [Held(one, until) for one in group]
            else:
                together.append(tuple(group))
                left.append(now)
            self._left[way] = left
        return together, held
