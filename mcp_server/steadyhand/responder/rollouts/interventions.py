"""What a person may do to a rollout that is under way. An abort asks nobody; the rest is for approvers."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from steadyhand.journey.commands import ActorKind, Arm, Record
from steadyhand.journey.incident.state import Incident, RolloutMoved
from steadyhand.journey.rollout.machine import abort
from steadyhand.journey.rollout.state import Rollout
from steadyhand.journey.rollout.watching import promote_anyway, widen
from steadyhand.responder.alerts.intake import UnknownIncident, happen
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.outside import Outside
from steadyhand.responder.refusals import noted
from steadyhand.store import Person, Transaction

Change = Callable[[Rollout, datetime], Rollout]
_MOVING = ("verified", "reverted")


async def abort_rollout(
    outside: Outside, incident: str, by: str, why: str, *, kind: ActorKind = "human", via: str = "console"
) -> Rollout:
    """Take the incident's rollout back now. Never asks. Raises UnknownIncident, Refused."""
    record = Record(action="rollout.aborted", actor=by, actor_kind=kind, via=via, body={"why": why})
    return await asyncio.to_thread(
        _change, outside, incident, record, lambda rollout, now: abort(rollout, by, why, now)
    )


async def promote_without_proof(
    outside: Outside, person: Person, incident: str, why: str, via: str
) -> Rollout:
    """Give an undecided fix all traffic on a person's word; only in SEV1. Raises UnknownIncident, Refused."""
    body = {"why": why}
    record = Record(
        action="rollout.promoted_without_proof", actor=person.name, actor_kind="human", via=via, body=body
    )

    def check(now_is: Incident, rollout: Rollout) -> str:
        found = (
            (not why.strip(), "it needs a reason: the report will hold it"),
            (now_is.severity != "SEV1", "only in a SEV1 may a fix be promoted without proof"),
            (rollout.phase != "asking", "the judge has not asked: it is still watching, or it is over"),
        )
        return _may_not(outside, person) or next((one for holds, one in found if holds), "")

    def change(rollout: Rollout, now: datetime) -> Rollout:
        return promote_anyway(rollout, person.name, why, now)

    return await asyncio.to_thread(_change, outside, incident, record, change, check)


async def widen_rollout(outside: Outside, person: Person, incident: str, share: float, via: str) -> Rollout:
    """Give the canary one of the wider shares, to see more. Raises UnknownIncident, Refused."""
    record = Record(
        action="rollout.widened",
        actor=person.name,
        actor_kind="human",
        via=via,
        body={"share": f"{share:.0%}"},
    )

    def check(_: Incident, rollout: Rollout) -> str:
        wider = [one for one in rollout.plan.canary.wider if one > rollout.share]
        found = (
            (rollout.phase not in ("watching", "asking"), "nothing is being watched there now"),
            (share not in wider, f"choose one of {', '.join(f'{one:.0%}' for one in wider) or 'none'}"),
        )
        return _may_not(outside, person) or next((one for holds, one in found if holds), "")

    def change(rollout: Rollout, now: datetime) -> Rollout:
        return widen(rollout, share, person.name, now)

    return await asyncio.to_thread(_change, outside, incident, record, change, check)


def share_of(text: str) -> float:
    """A share as somebody wrote it, 0.25 or 25%. Raises Refused for anything else."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        raise Refused(f"{text[:20]!r} is no share; write it like 0.25 or 25%") from error


def _may_not(outside: Outside, person: Person) -> str:
    return "" if person.role in outside.rules.approval.approvers else f"{person.name} may not decide this"


def _nothing_against(_incident: Incident, _rollout: Rollout) -> str:
    return ""


def _change(
    outside: Outside,
    wanted: str,
    record: Record,
    change: Change,
    check: Callable[[Incident, Rollout], str] = _nothing_against,
) -> Rollout:
    """Write the change and wake its driver; whatever step is under way is overtaken by it."""
    now = outside.clock.now()
    with noted(outside, wanted, record), outside.ledger.write() as tx:
        incident, rollout = _running(tx, wanted)
        why = check(incident, rollout)
        if why:
            raise Refused(why)
        after = change(rollout, now)
        tx.save_rollout(after)
        tx.record(wanted, record, now)
        if after.phase != rollout.phase and after.phase not in ("reverting", "undoing"):
            happen(tx, wanted, RolloutMoved(rollout=after.id, phase=after.phase, note=after.reason), now)
        arm = Arm(kind="rollout", key=f"{wanted}:rollout", due_at=now, payload={"plan": after.plan.id})
        tx.arm(wanted, arm)
    return after


def _running(tx: Transaction, wanted: str) -> tuple[Incident, Rollout]:
    incident = tx.incident(wanted)
    if incident is None:
        raise UnknownIncident(f"there is no incident {wanted}")
    rollout = tx.rollout(incident.rollout) if incident.rollout else None
    if rollout is None or rollout.phase in _MOVING:
        raise Refused(f"no rollout is under way in {wanted}")
    return incident, rollout
