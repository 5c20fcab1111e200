"""A person takes, gives away or swaps a shift, or undoes that: stored, told, and obeyed from then on."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from steadyhand.journey.commands import Record, Send
from steadyhand.journey.escalation.changing import CannotChange, Wish, covers_for
from steadyhand.journey.escalation.handmade import PAST, CoveredSchedule, ShiftChange
from steadyhand.journey.escalation.oncall import say_change
from steadyhand.journey.escalation.shifts import roster
from steadyhand.journey.incident.state import ShiftsChanged
from steadyhand.responder.alerts.intake import happen
from steadyhand.responder.fixes.deciding import Refused
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.handoffs import arm_handoff, quiet_way
from steadyhand.responder.people.roster import schedules_since
from steadyhand.responder.refusals import noted
from steadyhand.store import Transaction


def shift_changes(outside: Outside) -> Sequence[ShiftChange]:
    """Those that last or are to come, in the order in which they were made. Raises LedgerError."""
    with outside.ledger.read() as tx:
        return tx.shift_changes(outside.clock.now())


def change_shift(outside: Outside, schedule: str, wish: Wish, reason: str, via: str) -> ShiftChange:
    """Do what is wished, from now on. Raises Refused with what would help, and records it; LedgerError."""
    now = outside.clock.now()
    body = {"schedule": schedule[:80], "with": wish.other[:80], "reason": reason[:500]}
    deed = Record(action=f"shift.{PAST[wish.kind]}", actor=wish.by, actor_kind="human", via=via, body=body)
    with noted(outside, "", deed), outside.ledger.write() as tx:
        known = _schedule(outside, tx, schedule, now)
        _reachable(outside, wish)
        try:
            covers = covers_for(known, wish, now)
        except CannotChange as error:
            raise Refused(str(error)) from error
        change = ShiftChange(
            id=outside.new_id("shift"),
            kind=wish.kind,
            schedule=schedule,
            by=wish.by,
            at=now,
            reason=reason,
            covers=covers,
        )
        tx.keep_shift_change(change)
        losing = _who_loses(known, change)
        _obey(outside, tx, change, deed, say_change(change, known.time_zone), losing, now)
    return change


def undo_shift(outside: Outside, wanted: str, by: str, via: str) -> ShiftChange:
    """The schedule's own people again, from now on. Raises Refused, and records it; LedgerError."""
    now = outside.clock.now()
    deed = Record(action="shift.undone", actor=by, actor_kind="human", via=via, body={"change": wanted[:80]})
    with noted(outside, "", deed), outside.ledger.write() as tx:
        change = tx.shift_change(wanted)
        if change is None or change.ends <= now:
            raise Refused(
                f"no change {wanted[:80]!r} of a shift lasts or is to come; `oncall changes` lists them"
            )
        tx.keep_shift_change(change.undone(now))
        zone = next((one.time_zone for one in outside.rules.schedules if one.name == change.schedule), "UTC")
        what = f"undone by {by}: {say_change(change, zone)}"
        involved = {change.by, *(name for one in change.covers for name in (one.person, one.instead_of))}
        _obey(outside, tx, change, deed, what, involved, now)
    return change


def _schedule(outside: Outside, tx: Transaction, name: str, now: datetime) -> CoveredSchedule:
    every = schedules_since(outside, tx, now)
    found = next((one for one in every if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in every) or "none: write one under schedules"
        raise Refused(f"there is no schedule {name[:80]!r}; schedules: {known}")
    return found


def _reachable(outside: Outside, wish: Wish) -> None:
    """Nobody gets a shift who could not be paged. Raises Refused."""
    known = {one.name for one in outside.rules.people if one.contacts}
    for name in (wish.by, wish.other) if wish.kind == "swap" else (wish.other or wish.by,):
        if name not in known:
            others = ", ".join(sorted(known)) or "nobody"
            raise Refused(
                f"{name[:80]} has no way to be reached under people, so a page would be lost; "
                f"there are: {others}"
            )


def _who_loses(before: CoveredSchedule, change: ShiftChange) -> set[str]:
    """Everybody who would have been on call, and whoever is now."""
    shifts = (one for cover in change.covers for one in roster(before, cover.starts, cover.ends))
    return {
        *(one.person for one in shifts if change.cover(one.person, one.starts)),
        *(one.person for one in change.covers),
    }


def _obey(
    outside: Outside,
    tx: Transaction,
    change: ShiftChange,
    deed: Record,
    what: str,
    involved: Iterable[str],
    now: datetime,
) -> None:
    """The trail, the next hand-off, those it concerns and the incidents under way: all know of it."""
    body = {**deed.body, "change": change.id, "what": what}
    tx.record("", deed.model_copy(update={"body": body}), now)
    _tell(outside, tx, change, deed, what, involved, now)
    fresh = next((one for one in schedules_since(outside, tx, now) if one.name == change.schedule), None)
    if fresh is None:
        return
    arm_handoff(tx, fresh, now)
    for incident in tx.living(now - outside.rules.recovery.relapse):
        changes = tuple(
            one for one in tx.shift_changes(incident.opened_at) if one.schedule == change.schedule
        )
        names = {cover.person for one in changes for cover in one.covers}
        people = tuple(one for one in outside.rules.people if one.name in names)
        event = ShiftsChanged(
            schedule=change.schedule, changes=changes, people=people, by=deed.actor, via=deed.via, what=what
        )
        happen(tx, incident.id, event, now)


def _tell(
    outside: Outside,
    tx: Transaction,
    change: ShiftChange,
    deed: Record,
    what: str,
    involved: Iterable[str],
    now: datetime,
) -> None:
    """By a way that does not ring; whoever did it knows."""
    for rule in outside.rules.people:
        way = quiet_way(rule)
        if way is None or rule.name == deed.actor or rule.name not in set(involved):
            continue
        key = f"{deed.action}:{change.id}:{rule.name}"
        subject = f"On-call shift changed by {deed.actor}"
        tx.send("", Send(key=key, channel=way.type, target=way.whom, subject=subject, body=f"{what}."), now)
