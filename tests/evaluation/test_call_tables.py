"""Tables of calls: how long a caller waited that none of those it asked explains."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

from steadyhand.evaluation.call_tables import read_calls
from steadyhand.journey.evidence.bearings.observed import Calls

COLUMNS = ("t", "caller", "service", "op", "n", "p50_us", "max_us", "p95_us")
Row = tuple[float, str, str, str, float]
"""When, who asks whom for what, and how long it took, in us."""


def table(path: Path, found: Sequence[Row]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(
            (at, caller, asked, op, 1, took, took, took) for at, caller, asked, op, took in found
        )
    return path


def bucket(at: float, waited: float, answered: float) -> list[Row]:
    """The front asks the cart, by a span of its client."""
    return [(at, "front", "front", "HTTP GET", waited), (at, "front", "cart", "/items", answered)]


def told(folder: Path, calm: Sequence[Row], since: Sequence[Row]) -> dict[tuple[str, str], Calls]:
    known = read_calls(table(folder / "calm.gz", calm), table(folder / "own.gz", since), 100.0, 200.0)
    return {(one.caller, one.callee): one for one in known}


def test_what_a_client_waits_longer_than_the_answer_takes_is_the_way(tmp_path: Path) -> None:
    found = told(tmp_path, bucket(0, 6_000, 5_000), bucket(150, 2_005_000, 5_000))
    assert (found["front", "cart"].calm_way, found["front", "cart"].since_way) == (1_000.0, 2_000_000.0)


def test_a_slow_answer_of_another_explains_the_wait(tmp_path: Path) -> None:
    slow: Row = (150, "front", "stock", "/left", 2_000_000)
    found = told(tmp_path, bucket(0, 6_000, 5_000), [*bucket(150, 2_005_000, 5_000), slow])
    assert found["front", "cart"].since_way == 5_000.0


def test_a_client_named_after_the_operation_is_held_against_it_alone(tmp_path: Path) -> None:
    def asked(at: float, waited: float) -> list[Row]:
        return [
            (at, "front", "front", "shop.Cart/Get", waited),
            (at, "front", "cart", "/shop.Cart/Get", 5_000),
            (at, "front", "stock", "/shop.Stock/Left", 2_000_000),
        ]

    found = told(tmp_path, asked(0, 6_000), asked(150, 2_005_000))
    assert found["front", "cart"].since_way == 2_000_000.0
    assert found["front", "stock"].since_way is None


def test_without_spans_of_clients_nobody_knows_the_way(tmp_path: Path) -> None:
    found = told(tmp_path, [(0, "front", "cart", "/items", 5_000)], [(150, "front", "cart", "/items", 5_000)])
    assert found["front", "cart"].since_way is None


def test_without_a_table_of_the_incident_nothing_is_told(tmp_path: Path) -> None:
    assert list(read_calls(table(tmp_path / "calm.gz", bucket(0, 6e3, 5e3)), tmp_path / "no.gz", 1, 2)) == []
