"""A human's answer to a plan: authenticated, bound to the digest, first writer wins."""

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from steadyhand.journey.approval.consent import Decision
from steadyhand.journey.commands import Record
from steadyhand.journey.incident.state import Decided
from steadyhand.journey.remedy.plan import Plan
from steadyhand.ports import SteadyhandError
from steadyhand.responder.alerts.intake import happen
from steadyhand.responder.outside import Outside
from steadyhand.store import Person, Transaction

_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


# Threads of their own: a flood of guesses must not take those that keep a rollout watched.
_DOOR = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sign-in")
_NOBODY = f"{'0' * 32}:{'0' * 128}"


class Refused(SteadyhandError):
    """The door stays shut; the text says why and what would open it."""


def hash_pin(pin: str) -> str:
    """A salted scrypt hash of a PIN. Raises Refused for one that is too short."""
    if len(pin) < 6:  # noqa: PLR2004 - with five wrong tries then a lock, six digits are enough
        raise Refused("a PIN needs at least 6 characters")
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{hashlib.scrypt(pin.encode(), salt=salt, **_SCRYPT).hex()}"


def _fits(pin: str, pin_hash: str) -> bool:
    salt, wanted = pin_hash.split(":")
    found = hashlib.scrypt(pin.encode(), salt=bytes.fromhex(salt), **_SCRYPT).hex()
    return hmac.compare_digest(found, wanted)


async def sign_in(outside: Outside, name: str, pin: str, via: str) -> Person:
    """The person, if the PIN is theirs. Wrong tries are counted, kept, and lock the door for a while.

    Raises Refused; the text never tells whether the name or the PIN was wrong.
    """
    return await asyncio.get_running_loop().run_in_executor(_DOOR, _sign_in, outside, name, pin, via)


def _sign_in(outside: Outside, name: str, pin: str, via: str) -> Person:
    with outside.ledger.read() as tx:
        known = tx.person(name)
    # The hash is slow on purpose: computed without a lock, and for unknown names too, so that neither
    # others wait for it nor its time tells who exists.
    # Only the PIN must be the same still: what others try meanwhile must not make a right one wrong.
    checked = known.pin_hash if known else _NOBODY
    fits = _fits(pin, checked)
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        person = tx.person(name)
        if person is not None and person.pin_hash == checked and fits and now >= person.locked_until:
            tx.save_person(person.model_copy(update={"wrong": 0}))
            return person
        _note_wrong(outside, tx, name, person, via, now)
    raise Refused("wrong name or PIN, or locked after too many tries")


def _note_wrong(
    outside: Outside, tx: Transaction, name: str, person: Person | None, via: str, now: datetime
) -> None:
    rule = outside.rules.approval
    locked = person is not None and now < person.locked_until
    why = "locked" if locked else "wrong name or PIN"
    record = Record(action="sign_in.refused", actor=name[:80], actor_kind="human", via=via, body={"why": why})
    tx.record("", record, now)
    if person is None or locked:
        return
    full = person.wrong + 1 >= rule.wrong_pins
    changed = {"wrong": 0, "locked_until": now + rule.locked_for} if full else {"wrong": person.wrong + 1}
    tx.save_person(person.model_copy(update=changed))


async def decide(
    outside: Outside, person: Person, plan_id: str, digest: str, answer: str, via: str, reason: str = ""
) -> Decision:
    """Record a person's yes or no to the exact plan they saw. Raises Refused with what would help."""
    return await asyncio.to_thread(_decide, outside, person, plan_id, digest, answer, via, reason)


def _decide(
    outside: Outside, person: Person, plan_id: str, digest: str, answer: str, via: str, reason: str
) -> Decision:
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        plan = tx.get("plan", plan_id, Plan)
        why = _why_not(outside, tx, person, plan, digest, answer, reason, now)
        if plan is None or why:
            body = {"plan": plan_id[:80], "why": why, "answer": answer[:20]}
            record = Record(
                action="decision.refused", actor=person.name, actor_kind="human", via=via, body=body
            )
            tx.record(plan.incident if plan else "", record, now)
        else:
            decision = Decision.model_validate(
                {
                    "plan": plan.id,
                    "digest": digest,
                    "answer": answer,
                    "by": person.name,
                    "via": via,
                    "at": now,
                    "reason": reason,
                }
            )
            tx.decide(plan.incident, decision)
            happen(tx, plan.incident, Decided(decision=decision), now)
            return decision
    raise Refused(why)


def _why_not(
    outside: Outside,
    tx: Transaction,
    person: Person,
    plan: Plan | None,
    digest: str,
    answer: str,
    reason: str,
    now: datetime,
) -> str:
    if plan is None:
        return "there is no such plan"
    incident = tx.incident(plan.incident)
    first = tx.decision(plan.id)
    open_question = (
        incident is not None and incident.status == "awaiting_approval" and incident.plan == plan.id
    )
    found = (
        (answer not in ("approve", "reject"), "the answer is approve or reject"),
        (person.role not in outside.rules.approval.approvers, f"{person.name} may not approve"),
        (answer == "reject" and not reason.strip(), "a rejection needs a reason: it helps the next person"),
        (first is not None, f"{first.by if first else ''} decided already"),
        (digest != plan.digest, "this is not the plan that is stored: reload it and look again"),
        (now >= plan.expires_at, "the plan has expired; ask for a fresh one"),
        (not open_question, "this plan is not the one in question now"),
    )
    return next((why for holds, why in found if holds), "")
