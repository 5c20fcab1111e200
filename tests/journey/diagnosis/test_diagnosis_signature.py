"""What of a playbook's symptoms the page shows: a feature with its evidence, never a verdict."""

import pytest
from journey.diagnosis.pages import change, leak, page, seen

from steadyhand.journey.diagnosis.signature import match, matches
from steadyhand.journey.evidence.model import Item
from steadyhand.wiring import playbooks

SHELF = playbooks()
LEAK = SHELF.find("connection_leak")


def said(name: str, exemplar: str) -> Item:
    return seen(name, "new_log", "shop", 20, direction="new", template=exemplar, exemplar=exemplar)


def test_a_leak_looks_most_like_its_playbook_and_each_sign_cites_what_shows_it() -> None:
    shown = page(*leak())
    [first, *_] = matches(SHELF, shown)
    assert first.mechanism == "connection_leak"
    assert first.fit > 0.5
    assert {one for sign in first.shown for one in sign.evidence} <= {one.id for one in shown.items}
    assert first.shown


def test_what_speaks_against_it_lowers_the_fit_and_is_named() -> None:
    assert LEAK is not None
    blocked = page(*leak(), seen("queue", "lock_queue", "orders-db", 30, waiters="9"))
    found = match(LEAK, blocked)
    assert found.fit < match(LEAK, page(*leak())).fit
    assert ("d-queue",) in [one.evidence for one in found.against]


def test_an_empty_page_looks_like_nothing() -> None:
    assert matches(SHELF, page()) == ()
    assert LEAK is not None
    assert match(LEAK, page()).missing


@pytest.mark.parametrize(
    ("items", "mechanism"),
    [
        ((said("tls", "x509: certificate has expired"),), "certificate_expiry"),
        ((said("space", "could not extend file: No space left on device"),), "disk_full"),
        ((said("again", "attempt 3: retrying with backoff"),), "retry_storm"),
        ((seen("lag", "waiting", "shop", 5, metric="kafka_consumer_lag", shape="ramp"),), "queue_backlog"),
        (
            (
                seen("rss", "resource", "shop", 5, metric="process_resident_memory_bytes", shape="ramp"),
                change("dep-1", 0),
            ),
            "memory_leak",
        ),
        ((seen("memo", "up", "memo", 5, direction="down", metric="redis_up"),), "cache_loss"),
        ((said("flag", "config: unknown value"), change("toggle", 0, kind="flag")), "bad_config"),
        ((said("row", "UnicodeDecodeError: malformed record"),), "poison_pill"),
    ],
)
def test_a_telling_sign_is_found_whatever_names_the_services_bear(
    items: tuple[Item, ...], mechanism: str
) -> None:
    assert matches(SHELF, page(*items))[0].mechanism == mechanism


def test_the_order_of_the_evidence_does_not_matter() -> None:
    assert matches(SHELF, page(*leak())) == matches(SHELF, page(*reversed(leak())))
