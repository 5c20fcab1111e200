"""Alerts as rows: posts as they came in, what is known of each alert, what keeps some quiet."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Insert, func, select, tuple_, update
from sqlalchemy import insert as plain_insert

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, insert, to_ms
from steadyhand.adapters.ledger.reading import incident_of
from steadyhand.journey.alert.silence import Silence
from steadyhand.journey.alert.tracking import Track
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.incident.versions import MACHINE
from steadyhand.store import AlertKey, KeptPost, NewPost, Sighting

_RAW_MOST = 65_536
_REPEATS = re.compile(r'"episode":\d+,"repeats":(\d+),')  # as the state is written; no text of ours holds it
_MOST_KEYS = 400  # in one question; SQLite knows a limit


class AlertRows:
    """The part of a transaction that is about alerts."""

    _db: Batch
    _states: dict[str, str]

    def _known(self, row: Sequence[Any] | None) -> Incident | None:
        """The incident in a row of state and machine; its state is noted. Raises NewerRelease."""
        found = incident_of(row)
        if found is not None and row is not None:
            self._states[found.id] = row[0]
        return found

    # posts

    def delivered(self, source: str, delivery: str) -> str | None:
        """The digest of the post that came under this id before."""
        same = (s.alert_post.c.source == source) & (s.alert_post.c.delivery == delivery)
        return self._db.execute(select(s.alert_post.c.digest).where(same)).scalar()

    def keep_posts(self, posts: Sequence[NewPost], now: datetime) -> Sequence[int]:
        """Keep posts as they came in, cut at 64 KiB; returns the number of each."""
        at = to_ms(now)
        rows = [
            {**one.model_dump(exclude={"raw"}), "at": at, "size": len(one.raw), "raw": _text(one.raw)}
            for one in posts
        ]
        return list(self._db.execute(_KEEP, rows).scalars()) if rows else []

    def posts(self, incident: str, limit: int) -> Sequence[KeptPost]:
        """The latest posts that told something of an incident, newest first."""
        of_it = select(s.alert_seen.c.post).where(s.alert_seen.c.incident == incident)
        newest = select(s.alert_post).where(s.alert_post.c.id.in_(of_it)).order_by(s.alert_post.c.id.desc())
        return [
            KeptPost(source=one.source, at=from_ms(one.at), size=one.size, raw=one.raw)
            for one in self._db.execute(newest.limit(limit))
        ]

    # what is known of each alert

    def tracks(self, keys: Iterable[AlertKey]) -> Mapping[AlertKey, Track]:
        """What is known of these alerts."""
        wanted = sorted(set(keys))
        found: dict[AlertKey, Track] = {}
        for start in range(0, len(wanted), _MOST_KEYS):
            part = wanted[start : start + _MOST_KEYS]
            among = tuple_(s.alert_track.c.source, s.alert_track.c.dedup_key).in_(part)
            for one in self._tracks(among):
                found[one.key] = one
        return found

    def keep_tracks(self, tracks: Sequence[Track]) -> None:
        """Write what is known of these alerts."""
        for one in tracks:
            self._db.later(_tracking(self._db.dialect), _row(one))

    def keep_sightings(self, seen: Sequence[Sighting], now: datetime) -> None:
        """Note which post told what of which alert, and whose incident it is."""
        at = to_ms(now)
        for one in seen:
            self._db.later(_SEE, {**one.model_dump(), "incident": one.incident or None, "at": at})

    def firing(self, incidents: Collection[str]) -> Mapping[str, int]:
        """How many alerts of each of these incidents count as firing."""
        found: dict[str, int] = dict.fromkeys(incidents, 0)
        wanted, track = sorted(incidents), s.alert_track.c
        for start in range(0, len(wanted), _MOST_KEYS):
            counting = track.incident.in_(wanted[start : start + _MOST_KEYS]), track.counts == 1
            query = (
                select(track.incident, func.count().label("firing")).where(*counting).group_by(track.incident)
            )
            found |= {one.incident: one.firing for one in self._db.execute(query)}
        return found

    def open_among(self, incidents: Collection[str]) -> Collection[str]:
        """Those of these incidents that are not resolved."""
        among = s.incident.c.id.in_(sorted(incidents)[:_MOST_KEYS]) & (s.incident.c.status != "resolved")
        return set(self._db.execute(select(s.incident.c.id).where(among)).scalars()) if incidents else set()

    def add_repeats(self, incident: str, count: int) -> None:
        """Count alerts of an incident that only said again what was known; nothing else of it changes.

        A storm of repeats would else read and write whole incidents. Writers take turns, so nobody who holds
        an older state can write it back.
        """
        query = select(s.incident.c.state).where(s.incident.c.id == incident)
        before = self._db.execute(query).scalar_one()
        found = _REPEATS.search(before)
        assert found is not None, "every incident counts its repeats"
        after = f"{before[: found.start(1)]}{int(found[1]) + count}{before[found.end(1) :]}"
        self._db.execute(update(s.incident).where(s.incident.c.id == incident).values(state=after))

    def firing_on(self, service: str) -> int:
        """How many alerts of a service count as firing."""
        counting = (s.alert_track.c.service == service) & (s.alert_track.c.counts == 1)
        return int(self._db.execute(select(func.count()).where(counting)).scalar_one())

    def silenced(self, silence: str) -> Sequence[Track]:
        """The alerts that this one keeps quiet."""
        return self._tracks((s.alert_track.c.silence == silence) & (s.alert_track.c.silence != ""))

    def _tracks(self, where: ColumnElement[bool]) -> Sequence[Track]:
        rows = self._db.execute(select(s.alert_track.c.state).where(where)).scalars()
        return [Track.model_validate_json(one) for one in rows]

    # whose incident

    def near(self, services: Sequence[str], since: datetime) -> Sequence[Incident]:
        """Incidents of these services, or that they joined: open, or resolved since then.

        One that only a newer release can read is left alone: an alert of its service opens another.
        """
        ids = select(s.involved_service.c.incident).where(s.involved_service.c.service.in_(services))
        recent = (s.incident.c.status != "resolved") | (s.incident.c.resolved_at >= to_ms(since))
        known = s.incident.c.id.in_(ids) & recent & (s.incident.c.machine <= MACHINE)
        query = select(s.incident.c.state, s.incident.c.machine).where(known)
        return [found for row in self._db.execute(query) if (found := self._known(row))]

    def belong(self, incident: str, services: Sequence[str]) -> None:
        """Note that alerts of these services are this incident's."""
        for one in services:
            self._db.later(_belonging(self._db.dialect), {"service": one, "incident": incident})

    def alike(self, names: Sequence[AlertKey], besides: str, limit: int) -> Sequence[Incident]:
        """Earlier incidents that one of these alerts belonged to, newest first."""
        same = tuple_(s.alert_seen.c.source, s.alert_seen.c.dedup_key).in_(list(names)[:_MOST_KEYS])
        ids = select(s.alert_seen.c.incident).where(same, s.alert_seen.c.incident != besides)
        known = s.incident.c.id.in_(ids) & (s.incident.c.machine <= MACHINE)
        newest = select(s.incident.c.state, s.incident.c.machine).where(known)
        rows = self._db.execute(newest.order_by(s.incident.c.opened_at.desc()).limit(limit))
        return [found for row in rows if (found := self._known(row))]

    # silences

    def silences(self, since: datetime) -> Sequence[Silence]:
        """Those that last, or are to come, later than this; the first to end first."""
        lasting = s.silence.c.ends_at > to_ms(since)
        rows = self._db.execute(
            select(s.silence.c.state).where(lasting).order_by(s.silence.c.ends_at)
        ).scalars()
        return [Silence.model_validate_json(one) for one in rows]

    def silence(self, wanted: str) -> Silence | None:
        """The silence or maintenance window of this id."""
        found = self._db.execute(select(s.silence.c.state).where(s.silence.c.id == wanted)).scalar()
        return Silence.model_validate_json(found) if found else None

    def keep_silence(self, silence: Silence) -> None:
        """Write a silence, or write it anew."""
        values = {"ends_at": to_ms(silence.ends_at), "state": silence.model_dump_json()}
        row = insert(self._db.dialect, s.silence).values(id=silence.id, **values)
        self._db.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))

    # pages that wait for what is known

    def unheard_until(self, incident: str, thread: str) -> datetime | None:
        """The instant the first page of this thread waits for; None once any was tried, or none waits."""
        pages = (
            (s.outbox.c.incident == incident)
            & (s.outbox.c.thread == thread)
            & s.outbox.c.key.like(f"{thread}:page:%")
            & (s.outbox.c.state != "cancelled")
        )
        tried, due = self._db.execute(
            select(func.max(s.outbox.c.attempts), func.min(s.outbox.c.due_at)).where(pages)
        ).one()
        return from_ms(due) if tried == 0 else None

    def release_pages(self, incident: str, text: str, until: datetime, now: datetime) -> int:
        """Let pages that wait until then leave now, with these words at their end; returns how many."""
        waiting = (
            (s.outbox.c.incident == incident)
            & s.is_state(s.outbox, "queued")
            & (s.outbox.c.due_at == to_ms(until))
            & (s.outbox.c.attempts == 0)
            & s.outbox.c.key.like(f"{incident}:%:page:%")
        )
        words = s.outbox.c.body + f"\n{text}" if text else s.outbox.c.body
        return self._db.execute(
            update(s.outbox).where(waiting).values(body=words, due_at=to_ms(now))
        ).rowcount


# Made once: building a statement costs more than running it.
_KEEP = plain_insert(s.alert_post).returning(s.alert_post.c.id, sort_by_parameter_order=True)
_SEE = plain_insert(s.alert_seen)


@cache
def _tracking(dialect: str) -> Insert:
    row = insert(dialect, s.alert_track)
    names = ("service", "incident", "counts", "silence", "at", "state")
    again = {name: row.excluded[name] for name in names}
    return row.on_conflict_do_update(index_elements=["source", "dedup_key"], set_=again)


@cache
def _belonging(dialect: str) -> Insert:
    return insert(dialect, s.involved_service).on_conflict_do_nothing()


def _text(raw: bytes) -> str:
    return raw[:_RAW_MOST].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _row(track: Track) -> dict[str, object]:
    source, key = track.key
    return {
        "source": source,
        "dedup_key": key,
        "service": track.alert.service,
        "incident": track.incident or None,
        "counts": int(track.counts),
        "silence": track.silence,
        "at": to_ms(track.last_at),
        "state": track.model_dump_json(),
    }
