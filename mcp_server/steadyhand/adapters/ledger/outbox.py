"""Messages: written in the transaction of what they tell, claimed under a lease, and what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    RowMapping,
    Update,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, insert, to_ms
from steadyhand.adapters.ledger.schema import is_state
from steadyhand.journey.commands import FollowUp, LookedAt, Send, Unsend
from steadyhand.journey.escalation.delivery import WAKING
from steadyhand.store import Arrival, Ending, Message

_ROW = s.outbox.c
_OTHER = s.outbox.alias("other")
_SAME = and_(
    _OTHER.c.incident == _ROW.incident, _OTHER.c.channel == _ROW.channel, _OTHER.c.target == _ROW.target
)
_EARLIER = or_(
    _OTHER.c.queued_at < _ROW.queued_at,
    and_(_OTHER.c.queued_at == _ROW.queued_at, _OTHER.c.key < _ROW.key),
)
_ON_ITS_WAY = is_state(_OTHER, "sending")
_SAME_THREAD = and_(
    _SAME, _OTHER.c.thread == _ROW.thread, _ROW.thread != "", _OTHER.c.receipt != "", _EARLIER
)
_FIRST = select(
    _ROW.key,
    select(_OTHER.c.receipt)
    .where(_SAME_THREAD)
    .order_by(_OTHER.c.queued_at, _OTHER.c.key)
    .limit(1)
    .scalar_subquery(),
).where(_ROW.key.in_(bindparam("keys", expanding=True)))
_LATER: Mapping[Arrival, tuple[str, ...]] = {
    "failed": ("queued", "sending", "sent", "unknown"),
    "delivered": ("queued", "sending", "sent", "unknown", "failed", "cancelled"),
    "seen": ("queued", "sending", "sent", "unknown", "failed", "cancelled", "delivered"),
}


def send(db: Batch, incident: str, command: Send, now: datetime) -> None:
    """Put a message into the outbox; one with a known key is there already."""
    begins = to_ms(command.not_before) if command.not_before else _after_held(db, incident, command, now)
    row = command.model_dump(exclude={"not_before"})
    row |= {"incident": incident or None, "state": "queued", "queued_at": begins, "due_at": begins}
    db.later(_sending(db.dialect), row)


def _after_held(db: Batch, incident: str, command: Send, now: datetime) -> int:
    """Now; or just after the page to the same receiver that is held: what follows must not overtake it."""
    if command.act not in WAKING or not incident or ":page:" in command.key:
        return to_ms(now)
    about = {"of": incident, "by": command.channel, "whom": command.target}
    held = db.execute(_HELD, about).scalar()
    return to_ms(now) if held is None else max(to_ms(now), held + 1)


_HELD = select(func.max(_ROW.due_at)).where(
    _ROW.incident == bindparam("of"),
    _ROW.channel == bindparam("by"),
    _ROW.target == bindparam("whom"),
    is_state(s.outbox, "queued"),
    _ROW.attempts == 0,
    _ROW.due_at == _ROW.queued_at,  # not moved since, as the throttle or another try would
    _ROW.key.like("%:page:%"),
)


@cache
def _sending(dialect: str) -> Insert:
    return insert(dialect, s.outbox).on_conflict_do_nothing()


def follow_up(db: Batch, incident: str, command: FollowUp, now: datetime) -> Sequence[Message]:
    """Tell whoever was woken in this thread, or may have been. After an ending nobody is woken any more.

    Returns what was taken back.
    """
    woken = (_ROW.incident == incident) & (_ROW.thread == command.thread) & _ROW.act.in_(WAKING)
    back = _take_back(db, woken) if command.act == "resolved" else ()
    told = select(_ROW.channel, _ROW.target).where(woken, _ROW.attempts > 0, _ROW.state != "failed")
    for channel, target in db.execute(told.distinct().order_by(_ROW.channel, _ROW.target)).all():
        one = Send(
            key=f"{command.thread}:{command.step}:{channel}:{target}",
            channel=channel,
            target=target,
            **command.model_dump(include={"act", "thread", "subject", "body", "severity"}),
        )
        send(db, incident, one, now)
    return back


def unsend(db: Batch, incident: str, command: Unsend) -> Sequence[Message]:
    """Take back pages, and say which: somebody has it."""
    pages = or_(_ROW.key.like(f"{incident}:%:page:%"), _ROW.key.like(f"help:{incident}:%"))
    which = (_ROW.incident == incident) & pages
    return _take_back(db, which & _by(command.ways) if command.ways else which)


def looked_at(db: Batch, incident: str, command: LookedAt) -> Sequence[Message]:
    """What reached them was seen, and what that was: they answered. What may not have arrived stays."""
    there = (_ROW.incident == incident) & _ROW.state.in_(("sent", "delivered"))
    return _changed(db, update(s.outbox).where(there, _by(command.ways)).values(state="seen"))


def _by(ways: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    return tuple_(_ROW.channel, _ROW.target).in_(ways)


def _take_back(db: Batch, which: ColumnElement[bool]) -> Sequence[Message]:
    """What had not left yet. One on its way may still arrive; should it fail, it is not tried again."""
    waiting = update(s.outbox).where(which, _ROW.state == "queued").values(state="cancelled")
    back = _changed(db, waiting)
    db.execute(update(s.outbox).where(which, _ROW.state == "sending").values(unwanted=1))
    return back


def _changed(db: Batch, change: Update) -> Sequence[Message]:
    """The messages that this changes, in the order of their keys."""
    rows = db.execute(change.returning(*_ROW)).mappings()
    return sorted((as_message(one) for one in rows), key=lambda one: one.key)


def due() -> ColumnElement[bool]:
    """Messages that may be claimed `at` an instant: to one receiver one by one, in order, whoever claims.

    An acknowledgement that overtook its page would leave the page ringing.
    """
    at = bindparam("at", type_=s.Ms)
    before = and_(is_state(_OTHER, "queued"), _OTHER.c.due_at <= at, _EARLIER)
    return is_state(s.outbox, "queued") & (_ROW.due_at <= at) & _nothing(or_(_ON_ITS_WAY, before))


def with_first(db: Connection, rows: Sequence[RowMapping]) -> Sequence[Message]:
    """The messages in these rows, oldest first, each with the receipt of the first one of its thread."""
    found = db.execute(_FIRST, {"keys": [one["key"] for one in rows]})
    firsts = {key: receipt or "" for key, receipt in found}
    oldest = sorted(rows, key=lambda one: (one["due_at"], one["key"]))
    return [as_message({**one, "first": firsts[one["key"]]}) for one in oldest]


def free() -> ColumnElement[bool]:
    """Messages that wait, but not behind one to the same receiver that is on its way."""
    return is_state(s.outbox, "queued") & _nothing(_ON_ITS_WAY)


def _nothing(hinders: ColumnElement[bool]) -> ColumnElement[bool]:
    """No other message to the same receiver is like that.

    Counted for each row that is looked at. Asked by `exists` PostgreSQL would join the whole queue: its
    statistics of a queue that has just filled still call it empty.
    """
    same = and_(_SAME, is_state(_OTHER, "queued", "sending"), hinders)
    return select(func.count()).select_from(_OTHER).where(same).scalar_subquery() == literal_column("0")


def as_message(row: Mapping[str, Any] | RowMapping) -> Message:
    """The message in a row."""
    wanted = {name: row[name] for name in Message.model_fields if name in row}  # `first` is no column
    return Message.model_validate(
        {**wanted, "incident": row["incident"] or "", "queued_at": from_ms(row["queued_at"])}
    )


def held(db: Batch, messages: Sequence[Message]) -> set[tuple[str, int]]:
    """Keys and tries of those that nobody else has by now, or can take before this transaction ends."""
    tries = [(one.key, one.attempts) for one in messages]
    return {(key, attempts) for key, attempts in db.execute(_MINE, {"tries": tries})}


_MINE = (
    select(_ROW.key, _ROW.attempts)
    .where(tuple_(_ROW.key, _ROW.attempts).in_(bindparam("tries", expanding=True)), _ROW.state == "sending")
    .with_for_update(skip_locked=True)
)


def sent(db: Batch, message: Message, receipt: str) -> None:
    """The channel took a message that is held, taken back meanwhile or not."""
    db.later(_SENT, {"same": message.key, "under": message.attempts, "said": receipt})


# Each claim counts a try, so the number tells who claimed it last.
_SENT = (
    update(s.outbox)
    .where(_ROW.key == bindparam("same"), _ROW.attempts == bindparam("under"), _ROW.state == "sending")
    .values(state="sent", receipt=bindparam("said"), error="")
)


def unsent(
    db: Batch, message: Message, why: str, again_at: datetime | None, *, ending: Ending, lost: bool
) -> bool:
    """The channel did not take it: try again at an instant, or it ends so. False when somebody else has it.

    What was taken back meanwhile is not tried again.
    """
    mine = _same_try(message) & (_ROW.state == "sending")
    values: dict[str, object] = {"state": ending, "error": why} | ({"lost": 1} if lost else {})
    if again_at:
        unwanted = "unknown" if ending == "unknown" else "cancelled"
        dropped = update(s.outbox).where(mine, _ROW.unwanted == 1).values({**values, "state": unwanted})
        if db.execute(dropped).rowcount:
            return True
        values |= {"state": "queued", "due_at": to_ms(again_at)}
    return db.execute(update(s.outbox).where(mine).values(values)).rowcount == 1


def hold(db: Batch, message: Message, until: datetime) -> None:
    """It must wait until an instant, and this was no try. What was taken back meanwhile ends."""
    if unsent(db, message, "", until, ending="cancelled", lost=False):
        waiting = _same_try(message) & (_ROW.state == "queued")
        db.execute(update(s.outbox).where(waiting).values(attempts=_ROW.attempts - 1))


def companions(db: Batch, message: Message) -> list[Message]:
    """Other messages that left together with this one: they have its receipt."""
    receipt = select(_ROW.receipt).where(_ROW.key == message.key).scalar_subquery()
    same = (_ROW.channel == message.channel) & (_ROW.target == message.target) & (_ROW.receipt == receipt)
    found = select(s.outbox).where(same, _ROW.receipt != "", _ROW.key != message.key)
    return [as_message(one) for one in db.execute(found.order_by(_ROW.key)).mappings()]


def reclaim(db: Connection, late: ColumnElement[bool]) -> int:
    """Messages that dead processes held: back into the queue, or never again where they were taken back."""
    held = is_state(s.outbox, "sending") & late
    dropped = update(s.outbox).where(held, _ROW.unwanted == 1).values(state="unknown", owner=None)
    freed = update(s.outbox).where(held).values(state="queued", owner=None)
    return db.execute(dropped).rowcount + db.execute(freed).rowcount


def arrived(db: Batch, key: str, how: Arrival) -> Message | None:
    """Its receiver says what became of it; never back from seen to delivered. None when that is no news."""
    news = update(s.outbox).where(_ROW.key == key, _ROW.attempts > 0, _ROW.state.in_(_LATER[how]))
    row = db.execute(news.values(state=how).returning(*_ROW)).mappings().one_or_none()
    return as_message(row) if row else None


def message(db: Batch, key: str) -> tuple[Message, str] | None:
    """A message and its state."""
    row = db.execute(select(s.outbox).where(_ROW.key == key)).mappings().one_or_none()
    return (as_message(row), str(row["state"])) if row else None


def _same_try(message: Message) -> ColumnElement[bool]:
    """Each claim counts a try, so the number tells who claimed it last."""
    return (_ROW.key == message.key) & (_ROW.attempts == message.attempts)
