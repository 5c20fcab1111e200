"""Alerts as rows: what is known of each, whose incident it is, what keeps some quiet."""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Insert, bindparam, func, select, tuple_, update
from sqlalchemy import insert as plain_insert

from steadyhand.adapters.ledger import schema as s
from steadyhand.adapters.ledger.batch import Batch
from steadyhand.adapters.ledger.engine import from_ms, insert, to_ms
from steadyhand.adapters.ledger.reading import incident_of
from steadyhand.journey.alert.silence import Silence
from steadyhand.journey.alert.tracking import Track
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.incident.versions import MACHINE
from steadyhand.store_alerts import AlertKey, Known, Repeat, Sighting

Key = TypeVar("Key", str, AlertKey)
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

    # what is known of each alert

    def tracks(self, keys: Iterable[AlertKey]) -> Mapping[AlertKey, Track]:
        """What is known of these alerts."""
        found: dict[AlertKey, Track] = {}
        for part in _parts(set(keys)):
            among = tuple_(s.alert_track.c.source, s.alert_track.c.dedup_key).in_(part)
            for one in self._tracks(among):
                found[one.key] = one
        return found

    def known(self, keys: Collection[AlertKey]) -> Mapping[AlertKey, Known]:
        """What is known of these alerts, at a glance; `words` are those of one that fires steadily."""
        by_source = defaultdict[str, list[str]](list)
        for source, key in keys:
            by_source[source].append(key)
        found: dict[AlertKey, Known] = {}
        for source, wanted in by_source.items():
            for part in _parts(wanted):
                given = {"of": source, "keys": part}
                for key, words, incident, silence, *rest in self._db.execute(_KNOWN, given):
                    found[source, key] = Known(words, incident or "", silence, partial(_track, *rest))
        return found

    def repeat(self, repeats: Sequence[Repeat]) -> None:
        """Count what these alerts only said again; nothing else of them changes."""
        for one in repeats:
            source, key = one.key
            row = {"of": source, "same": key, "more": one.times, "last": math.ceil(one.at.timestamp() * 1000)}
            self._db.later(_REPEAT, row)

    def keep_tracks(self, tracks: Sequence[Track], words: Mapping[AlertKey, str]) -> None:
        """Write what is known of these alerts, and what a mere repeat of each would say."""
        for one in tracks:
            self._db.later(_tracking(self._db.dialect), _row(one, words.get(one.key, "")))

    def keep_sightings(self, seen: Sequence[Sighting], now: datetime) -> None:
        """Note which post told what of which alert, and whose incident it is."""
        at = to_ms(now)
        for one in seen:
            self._db.later(_SEE, {**one.model_dump(), "incident": one.incident or None, "at": at})

    def firing(self, incidents: Collection[str]) -> Mapping[str, int]:
        """How many alerts of each of these incidents count as firing."""
        found: dict[str, int] = dict.fromkeys(incidents, 0)
        track = s.alert_track.c
        for part in _parts(incidents):
            counting = track.incident.in_(part), track.counts == 1
            query = (
                select(track.incident, func.count().label("firing")).where(*counting).group_by(track.incident)
            )
            found |= {one.incident: one.firing for one in self._db.execute(query)}
        return found

    def open_among(self, incidents: Collection[str]) -> Collection[str]:
        """Those of these incidents that are not resolved."""
        found = set[str]()
        for part in _parts(incidents):
            found.update(self._db.execute(_OPEN, {"ids": part}).scalars())
        return found

    def add_repeats(self, counts: Mapping[str, int]) -> None:
        """Count alerts of incidents that only said again what was known; nothing else of them changes.

        A storm of repeats would else read and write whole incidents. Writers take turns, so nobody who holds
        an older state can write it back.
        """
        for wanted in _parts(counts):
            for name, before in self._db.execute(_STATES, {"ids": wanted}).all():
                found = _REPEATS.search(before)
                assert found is not None, "every incident counts its repeats"
                after = f"{before[: found.start(1)]}{int(found[1]) + counts[name]}{before[found.end(1) :]}"
                self._db.later(_AGAIN, {"same": name, "after": after})

    def firing_on(self, service: str) -> int:
        """How many alerts of a service count as firing."""
        counting = (s.alert_track.c.service == service) & (s.alert_track.c.counts == 1)
        return int(self._db.execute(select(func.count()).where(counting)).scalar_one())

    def label_seen(self, name: str) -> bool:
        """Whether any alert that is kept has a label of this name."""
        written = s.alert_track.c.state.contains(f'"{name}":', autoescape=True)
        return self._db.execute(select(s.alert_track.c.source).where(written).limit(1)).first() is not None

    def silenced(self, silence: str) -> Sequence[Track]:
        """The alerts that this one keeps quiet."""
        return self._tracks((s.alert_track.c.silence == silence) & (s.alert_track.c.silence != ""))

    def _tracks(self, where: ColumnElement[bool]) -> Sequence[Track]:
        columns = s.alert_track.c.state, s.alert_track.c.count, s.alert_track.c.at
        return [_track(*row) for row in self._db.execute(select(*columns).where(where))]

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
        """Let pages that wait until then leave now, with these words at their end; returns how many.

        They count as queued now, before whatever is written later, and what waits for them just after.
        """
        row = s.outbox.c
        waiting = (row.incident == incident) & s.is_state(s.outbox, "queued") & (row.attempts == 0)
        follows = waiting & (row.due_at == to_ms(until) + 1) & (row.queued_at == row.due_at)
        self._db.execute(update(s.outbox).where(follows).values(queued_at=to_ms(now) + 1, due_at=to_ms(now)))
        pages = waiting & (row.due_at == to_ms(until)) & row.key.like(f"{incident}:%:page:%")
        words = row.body + f"\n{text}" if text else row.body
        leaving = {"body": words, "queued_at": to_ms(now), "due_at": to_ms(now)}
        return self._db.execute(update(s.outbox).where(pages).values(leaving)).rowcount


# Made once: building a statement costs more than running it.
_SEE = plain_insert(s.alert_seen)
_TRACK = s.alert_track.c
_KNOWN = select(
    _TRACK.dedup_key,
    _TRACK.words,
    _TRACK.incident,
    _TRACK.silence,
    _TRACK.state,
    _TRACK.count,
    _TRACK.at,
).where(_TRACK.source == bindparam("of"), _TRACK.dedup_key.in_(bindparam("keys", expanding=True)))
_REPEAT = (
    update(s.alert_track)
    .where(_TRACK.source == bindparam("of"), _TRACK.dedup_key == bindparam("same"))
    .values(count=_TRACK.count + bindparam("more"), at=bindparam("last"))
)
_STATES = select(s.incident.c.id, s.incident.c.state).where(
    s.incident.c.id.in_(bindparam("ids", expanding=True))
)
_AGAIN = update(s.incident).where(s.incident.c.id == bindparam("same")).values(state=bindparam("after"))
_OPEN = select(s.incident.c.id).where(
    s.incident.c.id.in_(bindparam("ids", expanding=True)), s.incident.c.status != "resolved"
)


@cache
def _tracking(dialect: str) -> Insert:
    row = insert(dialect, s.alert_track)
    names = ("service", "incident", "counts", "silence", "at", "count", "words", "state")
    again = {name: row.excluded[name] for name in names}
    return row.on_conflict_do_update(index_elements=["source", "dedup_key"], set_=again)


@cache
def _belonging(dialect: str) -> Insert:
    return insert(dialect, s.involved_service).on_conflict_do_nothing()


def _parts(keys: Collection[Key]) -> Iterator[Sequence[Key]]:
    """The keys in an order that is always the same, as many at a time as one question may hold."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), _MOST_KEYS):
        yield wanted[start : start + _MOST_KEYS]


def _track(state: str, count: int, at: int) -> Track:
    """The alert as it was last written, and how often and when it was heard again since."""
    track = Track.model_validate_json(state)
    if count == track.count:
        return track
    return track.model_copy(update={"count": count, "last_at": from_ms(at)})


def _row(track: Track, words: str) -> dict[str, object]:
    source, key = track.key
    return {
        "source": source,
        "dedup_key": key,
        "service": track.alert.service,
        "incident": track.incident or None,
        "counts": int(track.counts),
        "silence": track.silence,
        "at": to_ms(track.last_at),
        "count": track.count,
        "words": words,
        "state": track.model_dump_json(),
    }
