"""Services that share one store hear each post once and in order, also those of one that was killed."""

import itertools
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from ledger.doomed import POSTS, Failpoint, PhoneBook, outside, posted, take_posts
from ledger.shelf import NOW
from stores import Place

from steadyhand.adapters.ledger.sql import SqlLedger
from steadyhand.journey.alert.tracking import Track
from steadyhand.journey.incident.state import Incident
from steadyhand.responder.alerts.ears import Taken
from steadyhand.responder.alerts.hearing import hear_round
from steadyhand.responder.alerts.inbox import receive
from steadyhand.responder.outside import Outside
from steadyhand.testing.phone import Phone

WHOLE = {"a": (3, False), "b": (1, True)}


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServerContext]:
    """Processes that begin with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ledger.doomed"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        yield context


def service(place: Place, owner: str) -> Outside:
    numbers = itertools.count(1)
    here = outside(SqlLedger(place), Phone(), NOW, owner)
    return replace(here, new_id=lambda prefix: f"{prefix}-{owner}-{next(numbers)}")


def hear(here: Outside) -> None:
    while hear_round(here):
        pass


def known(here: Outside, source: str) -> tuple[dict[str, tuple[int, bool]], list[Incident]]:
    """How often each alert was heard and whether it fires by now; and the incidents of all that."""
    with here.ledger.read() as tx:
        tracks: list[Track] = list(tx.tracks([(source, "a"), (source, "b")]).values())
        incidents = [one for one in tx.incidents(99) if one.service == source]
    return {one.key[1]: (one.count, one.counts) for one in tracks}, incidents


def test_two_that_hear_at_once_hear_each_post_once_and_in_order(place: Place) -> None:
    both = service(place, "one"), service(place, "two")
    names = [f"shop-{number}" for number in range(5)]
    for name in names:
        for number in range(len(POSTS)):
            receive(both[number % 2], [posted(name, number)])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hear, both))
    for name in names:
        counts, incidents = known(both[0], name)
        assert counts == WHOLE, name
        assert len(incidents) == 1, name
        assert (incidents[0].firing, incidents[0].repeats) == (True, 1), name


def test_what_a_killed_one_was_told_is_heard_by_the_other_wherever_it_died(
    place: Place, tmp_path: Path, forks: ForkServerContext
) -> None:
    def live(source: str, point: Failpoint) -> Path:
        child = forks.Process(target=take_posts, args=(place, tmp_path / source, source, point))
        child.start()
        child.join(60)
        return tmp_path / source

    whole = live("whole", Failpoint())
    commits = int(whole.with_suffix(".commits").read_text())
    for commit in range(1, commits + 1):
        for after in (False, True):
            source = f"shop-{commit}-{after:d}"
            accepted = {int(one) for one in PhoneBook(live(source, Failpoint(commit, after))).lines()}
            other = service(place, f"next-{source}")
            hear(other)
            again = [receive(other, [posted(source, number)])[0] for number in range(len(POSTS))]
            stored = {number for number, one in enumerate(again) if isinstance(one, Taken) and one.duplicate}
            assert accepted <= stored <= accepted | {len(accepted)}, source
            hear(other)
            counts, incidents = known(other, source)
            assert counts == WHOLE, source
            assert len(incidents) == 1, source
