"""Posts of alert sources as rows: received, then waiting to be heard, then kept as they came in."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy import insert as plain_insert

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, to_ms
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.store_alerts import LONGEST_KEPT, Backlog, KeptPost, NewPost, WaitingPost

_MOST_POSTS = 256  # looked at for one round
_ALERTS = TypeAdapter(tuple[Alert, ...])


class PostRows:
    """The part of a transaction that is about posts."""

    _db: Batch

    def delivered(self, source: str, delivery: str) -> str | None:
        """The digest of the post that came under this id before."""
        return self._db.execute(_DELIVERED, {"of": source, "same": delivery}).scalar()

    def keep_posts(self, posts: Sequence[NewPost], now: datetime) -> Sequence[int]:
        """Keep posts as they came in, cut at 64 KiB; returns the number of each."""
        at = to_ms(now)
        rows = [
            {**one.model_dump(exclude={"raw"}), "at": at, "size": len(one.raw), "raw": _text(one.raw)}
            for one in posts
        ]
        return list(self._db.execute(_KEEP, rows).scalars()) if rows else []

    def await_hearing(self, number: int, told: Delivery, now: datetime) -> None:
        """What this post told is to be heard, after all that came before it."""
        alerts = _ALERTS.dump_json(told.alerts).decode() if told.alerts else ""
        self._db.later(_WAIT, {"post": number, "due_at": to_ms(now), "size": told.size, "alerts": alerts})

    def waiting(self, now: datetime, most: int) -> Sequence[WaitingPost]:
        """The posts that have waited longest: at most so many alerts, but one post at least."""
        numbers, room = list[int](), most
        for number, size in self._db.execute(_NEXT, {"now": to_ms(now)}):
            room -= size
            if numbers and room < 0:
                break
            numbers.append(number)
        return self._told(numbers) if numbers else ()

    def unheard(self, number: int) -> WaitingPost | None:
        """This post, where it still waits."""
        return next(iter(self._told([number])), None)

    def _told(self, numbers: Sequence[int]) -> list[WaitingPost]:
        """These posts, in the order they came; each is read when it is heard."""
        return [
            WaitingPost(
                number=one.id,
                at=from_ms(one.at),
                source=one.source,
                raw=one.raw,
                alerts=partial(_ALERTS.validate_json, one.alerts or "[]"),
                tries=one.tries,
            )
            for one in self._db.execute(_TOLD, {"numbers": numbers})
        ]

    def heard(self, numbers: Sequence[int]) -> None:
        """These posts wait no more."""
        self._db.execute(delete(s.alert_waiting).where(s.alert_waiting.c.post.in_(numbers)))

    def put_off(self, number: int, again_at: datetime | None) -> None:
        """It could not be heard: again at an instant, or given up."""
        row = update(s.alert_waiting).where(s.alert_waiting.c.post == number)
        again = to_ms(again_at) if again_at else None
        self._db.execute(row.values(tries=s.alert_waiting.c.tries + 1, due_at=again))

    def retry_given_up(self, now: datetime) -> int:
        """Those that were given up are tried once more; how many there are."""
        given_up = update(s.alert_waiting).where(s.alert_waiting.c.due_at.is_(None))
        return self._db.execute(given_up.values(due_at=to_ms(now))).rowcount

    def backlog(self, now: datetime) -> Backlog:
        """How many posts wait, for how long by now, and how many were given up."""
        found = self._db.execute(_BACKLOG).one()
        age = now - from_ms(found.oldest) if found.oldest is not None else timedelta()
        return Backlog(posts=found.waits, age=max(age, timedelta()), given_up=found.all_of_them - found.waits)

    def told_of(self, number: int) -> Collection[str]:
        """The incidents whose alerts this post told of, once it was heard."""
        seen = s.alert_seen.c
        query = select(seen.incident).where(seen.post == number, seen.incident.is_not(None)).distinct()
        return list(self._db.execute(query).scalars())

    def posts(self, incident: str, limit: int) -> Sequence[KeptPost]:
        """The latest posts that told something of an incident, newest first."""
        of_it = select(s.alert_seen.c.post).where(s.alert_seen.c.incident == incident)
        newest = select(s.alert_post).where(s.alert_post.c.id.in_(of_it)).order_by(s.alert_post.c.id.desc())
        return [
            KeptPost(source=one.source, at=from_ms(one.at), size=one.size, raw=one.raw)
            for one in self._db.execute(newest.limit(limit))
        ]


# Made once: building a statement costs more than running it.
_KEEP = plain_insert(s.alert_post).returning(s.alert_post.c.id, sort_by_parameter_order=True)
_WAIT = plain_insert(s.alert_waiting)
_DELIVERED = select(s.alert_post.c.digest).where(
    s.alert_post.c.source == bindparam("of"),
    s.alert_post.c.delivery == bindparam("same"),
    s.alert_post.c.delivery != "",
)
_NEXT = (
    select(s.alert_waiting.c.post, s.alert_waiting.c.size)
    .where(s.alert_waiting.c.due_at <= bindparam("now"))
    .order_by(s.alert_waiting.c.post)
    .limit(_MOST_POSTS)
)
_TOLD = (
    select(
        s.alert_post.c.id,
        s.alert_post.c.source,
        s.alert_post.c.at,
        s.alert_post.c.raw,
        s.alert_waiting.c.tries,
        s.alert_waiting.c.alerts,
    )
    .join_from(s.alert_waiting, s.alert_post)
    .where(s.alert_waiting.c.post.in_(bindparam("numbers", expanding=True)))
    .order_by(s.alert_waiting.c.post)
)
_BACKLOG = (
    select(
        func.count().label("all_of_them"),
        func.count(s.alert_waiting.c.due_at).label("waits"),
        func.min(s.alert_post.c.at).filter(s.alert_waiting.c.due_at.is_not(None)).label("oldest"),
    )
    .select_from(s.alert_waiting)
    .join(s.alert_post)
)


def _text(raw: bytes) -> str:
    return raw[:LONGEST_KEPT].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
