"""Three processes work on one store and one after the other dies by kill -9."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from ledger.doomed import ACKED, PhoneBook
from ledger.fleet import SPEED, FastClock, serve
from ledger.shelf import alert, raw
from stores import Place
from stories.night import RULES

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.audit.proof import find_problem
from steadyhand.journey.escalation.contact import Contact
from steadyhand.journey.escalation.ladder import Tier
from steadyhand.journey.escalation.policy import EscalationRule
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.state import Acknowledged
from steadyhand.responder.alerts.intake import happen

DEATHS = 8
ANSWERED = [f"answered-{number}" for number in range(DEATHS)]
LEFT = [f"left-{number}" for number in range(2 * DEATHS)]
LADDER = {"ana": timedelta(seconds=SPEED), "bo": timedelta(hours=9)}  # the first waits a second of ours
HASTY = RULES.model_copy(
    update={
        "escalation": EscalationRule(
            tiers=tuple(
                Tier(name=who, contacts=(Contact(type="phone", user=who),), escalate_after=after)
                for who, after in LADDER.items()
            )
        )
    }
)
ESCALATED = "incident.escalated"
SEED = 20260131
UNDER_WAY = 20  # messages of one process
_PATIENCE_S = 60.0


class Fleet:
    """Three workers; whoever dies is replaced."""

    def __init__(self, forks: ForkServerContext, place: Place, book: Path, dice: random.Random) -> None:
        self._forks, self._dice = forks, dice
        self.clock = FastClock(time.monotonic())
        self._what = place, book, self.clock
        self._numbers = count(1)
        self.crew = [self._hire() for _ in range(3)]

    def _hire(self) -> ForkServerProcess:
        one = self._forks.Process(target=serve, args=(*self._what, f"worker-{next(self._numbers)}"))
        one.start()
        return one

    def lose_one(self) -> None:
        """After a while one of them, whatever it is at."""
        doomed = self.crew.pop(self._dice.randrange(len(self.crew)))
        doomed.join(self._dice.uniform(0.05, 0.5))
        doomed.kill()
        doomed.join(10)
        self.crew.append(self._hire())

    def watch(self, seconds: float) -> None:
        """Let them work."""
        self.crew[0].join(seconds)
        assert all(one.is_alive() for one in self.crew), "a worker dies of nothing but kill -9"

    def dismiss(self) -> None:
        for one in self.crew:
            one.kill()
            one.join(10)


@contextmanager
def fleet(forks: ForkServerContext, place: Place, book: Path, dice: random.Random) -> Iterator[Fleet]:
    found = Fleet(forks, place, book, dice)
    try:
        yield found
    finally:
        found.dismiss()


def begin(ledger: SqlLedger, names: Sequence[str], now: datetime) -> None:
    """Each pages somebody at once and the next one a little later, while others die."""
    with ledger.write() as tx:
        for name in names:
            tx.save(*open_incident(name, alert(name), ("SEV2", "test"), HASTY.policy("SEV2"), now), now)


def answer(ledger: SqlLedger, book: PhoneBook, name: str, now: datetime) -> set[str]:
    """A human has it, while all the others write; the pages that are on their way just then."""
    with ledger.write() as tx:
        happen(tx, name, Acknowledged(by="ana", via="test"), now)
        on_their_way = {one.key for one in tx.receipts(name) if one.state == "sending"}
    book.note(f"{name} {ACKED}")
    return on_their_way


def pages(lines: Sequence[str], name: str) -> list[str]:
    return [one for one in lines if one.startswith(f"{name}:") and ":page:" in one]


def test_nobody_is_forgotten_while_one_after_the_other_dies(
    place: Place, tmp_path: Path, forks: ForkServerContext
) -> None:
    dice, book, ledger = random.Random(SEED), PhoneBook(tmp_path / "calls"), SqlLedger(place)  # noqa: S311 - a test's dice
    late: dict[str, set[str]] = {}

    def all_told() -> bool:
        told = [one.rpartition(":")[2] + one.partition(":")[0] for one in book.lines()]
        return all(who + name in told for name in LEFT for who in ("ana", "bo"))

    with fleet(forks, place, book.path, dice) as crew:
        for name, *others in zip(ANSWERED, LEFT[::2], LEFT[1::2], strict=True):
            begin(ledger, [name, *others], crew.clock.now())
            crew.lose_one()
            late[name] = answer(ledger, book, name, crew.clock.now())
        ends = time.monotonic() + _PATIENCE_S
        while not all_told():
            assert time.monotonic() < ends, "somebody was forgotten"
            crew.watch(0.1)

    lines = book.lines()
    for name in ANSWERED:
        after = pages(lines[lines.index(f"{name} {ACKED}") :], name)
        assert set(after) <= late[name], "nobody is woken for what somebody has"
    again = sum(number - 1 for number in Counter(one for one in lines if ":page:" in one).values())
    assert again <= UNDER_WAY * len(ANSWERED), "only what was on its way with the dead may come twice"
    with ledger.read() as tx:
        trail = tx.trail()
        assert find_problem(tx.audit.rows()) == ""
    steps = Counter(one.incident for one in trail if one.action == ESCALATED)
    assert {steps[name] for name in LEFT} == {1}
    for name in ANSWERED:
        actions = [one.action for one in trail if one.incident == name]
        assert steps[name] <= 1
        assert ESCALATED not in actions[actions.index("incident.acknowledged") :]
    assert raw(place, "select count(*) from timer where state = 'dead'") == [(0,)]
