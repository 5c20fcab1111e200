"""Recall shows how alike, in which parts, how old and with what record; only people's judgements teach."""

from datetime import timedelta

import pytest
from journey.diagnosis.pages import START, change, leak, page, seen

from steadyhand.journey.memory.case import Case, RejectedFix, Verdict
from steadyhand.journey.memory.recall import compare, recall, records, refusals
from steadyhand.journey.memory.remember import signature_of
from steadyhand.journey.memory.rule import MemoryRule

RULE = MemoryRule()
LEAK = page(*leak(), change("dep-1", 0))
OTHER = page(seen("cert", "new_log", "shop", 5, direction="new", template="x509 certificate has expired"))
NOW = START + timedelta(days=10)


def case(name: str = "inc-9", verdict: Verdict = "confirmed", days: float = 10, **changes: object) -> Case:
    whole = {
        "id": name,
        "incident": name,
        "service": "shop",
        "title": "shop is slow",
        "at": NOW - timedelta(days=days),
        "signature": signature_of(LEAK),
        "verdict": verdict,
        "fault_class": "connection_leak",
        "entity": "shop",
        "cause": "it leaks connections",
        "worked": "yes",
    }
    return Case.model_validate(whole | changes)


def test_the_same_picture_is_recalled_with_the_evidence_that_shows_it_again() -> None:
    [found] = recall([case()], LEAK, NOW, RULE)
    assert found.similarity == pytest.approx(1.0)
    again = " ".join(text for part in found.parts for text in part.same)
    assert "[m-pool]" in again
    assert "[l-pool-timeout]" in again
    assert not any(part.missing for part in found.parts)


def test_what_is_not_there_today_is_named() -> None:
    without = page(*(one for one in leak() if one.id != "l-pool-timeout"), change("dep-1", 0))
    [found] = recall([case()], without, NOW, RULE)
    assert found.similarity < 1.0
    messages = next(one for one in found.parts if one.name == "messages")
    assert messages.share == 0
    assert messages.missing


def test_another_picture_is_not_recalled() -> None:
    assert recall([case()], OTHER, NOW, RULE) == ()


@pytest.mark.parametrize("verdict", ["unjudged", "unknown"])
def test_a_case_nobody_judged_teaches_nothing(verdict: Verdict) -> None:
    poison = [case(f"inc-{n}", verdict) for n in range(50)]
    assert recall(poison, LEAK, NOW, RULE) == ()
    assert records(poison) == ()


def test_an_incident_does_not_recall_itself() -> None:
    assert recall([case("i1")], LEAK, NOW, RULE) == ()


def test_an_old_case_counts_half_for_each_half_life_and_is_as_similar_as_ever() -> None:
    fresh, old = (compare(case(days=days), LEAK, NOW, RULE) for days in (0, 180))
    assert old.similarity == fresh.similarity
    assert old.weight == pytest.approx(fresh.weight / 2)
    ranked = recall([case("inc-old", days=400), case("inc-new", days=1)], LEAK, NOW, RULE)
    assert [one.case.id for one in ranked] == ["inc-new", "inc-old"]


def test_the_record_counts_what_was_confirmed_and_what_its_fix_did() -> None:
    cases = [case("a"), case("b", worked="no"), case("c", worked="unknown"), case("d", "unjudged")]
    [record] = records(cases)
    assert (record.confirmed, record.worked, record.failed) == (3, 1, 1)


def test_the_reason_a_fix_was_rejected_for_is_told_when_its_like_is_proposed_again() -> None:
    no = RejectedFix(action="create_index", title="Index orders(email)", reason="the disk is full")
    cases = [case(rejected=(no,)), case("inc-8", "unjudged", suspected="connection_leak", fault_class="")]
    [told] = refusals(cases, "connection_leak", "shop", "create_index")
    assert "the disk is full" in told
    assert refusals(cases, "connection_leak", "shop", "set_release") == ()
    assert refusals(cases, "lock_queue", "shop", "create_index") == ()
    assert refusals(cases, "connection_leak", "cart", "create_index") == ()
