"""Alerts come in: stored, and incidents opened or told of them, all of a round in one transaction."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from steadyhand.journey.alert.grouping import home, neighbours
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.alert.severity import classify, worse
from steadyhand.journey.alert.silence import covering
from steadyhand.journey.alert.tracking import Heard, Track, calm_at, hear
from steadyhand.journey.commands import Arm, Command, Record
from steadyhand.journey.escalation.ladder import Ladder
from steadyhand.journey.evidence.masking import Hidden, Masker, named, unnumbered
from steadyhand.journey.incident.grading import objection
from steadyhand.journey.incident.holding import hold
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import AlertsSeen, Event, Incident, Outcome, SeverityChanged
from steadyhand.journey.rule import Value
from steadyhand.ports import Replayed, SteadyhandError
from steadyhand.responder.investigation.remembering import remember
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import policy_since
from steadyhand.store import NewPost, Sighting, Transaction

_STATUS: dict[Heard, str] = {"new": "firing", "over": "resolved", "held": "flapping", "repeat": "repeat"}

_LATEST = 50
_WORDS = ("name", "summary", "labels")


class UnknownIncident(SteadyhandError):
    """There is no incident of this id."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A post that was read, and its raw bytes."""

    delivery: Delivery
    raw: bytes


class Taken(Value):
    """What became of a post."""

    incidents: tuple[str, ...] = ()
    alerts: int = Field(default=0, description="How many it held; all of them are stored.")
    silenced: int = Field(default=0, description="How many of them wake nobody now.")
    duplicate: bool = Field(default=False, description="The same post came before: counted once.")
    note: str = ""


def take_alert(outside: Outside, alert: Alert, raw: str) -> str:
    """Store one alert; returns its incident's id, or "" for a resolution nobody waits for.

    Raises LedgerError when it could not be stored: then nothing of it was.
    """
    delivery = Delivery(source=alert.source, alerts=(alert,))
    (taken,) = take(outside, (Arrival(delivery, raw.encode(errors="replace")),))
    assert isinstance(taken, Taken), "a post without an id is no replay"
    return next(iter(taken.incidents), "")


def take(outside: Outside, arrivals: Sequence[Arrival]) -> Sequence[Taken | Replayed]:
    """Store posts and all that follows from them, together or not at all. Raises LedgerError.

    A post whose id was used for another one is not taken; that hinders none of the others.
    """
    with outside.ledger.write() as tx:
        round_ = Round(outside, tx, outside.clock.now())
        round_.know([one for arrival in arrivals for one in arrival.delivery.alerts])
        taken = round_.take(arrivals)
        round_.finish()
    return taken


class Round:
    """What comes in at one instant. Alerts are heard one by one; each incident is told once, at the end."""

    def __init__(self, outside: Outside, tx: Transaction, now: datetime) -> None:
        self._outside, self._tx, self._now = outside, tx, now
        self._rule, self._topology = outside.rules.alerts, outside.rules.topology
        self._unresolved: set[str] = set()
        self._silences = tx.silences(now)
        self._tracks: dict[tuple[str, str], Track] = {}
        self._changed: set[tuple[str, str]] = set()
        self._incidents: dict[str, Incident] = {}
        self._posts: dict[tuple[str, str], str] = {}
        self._asked: set[str] = set()
        self._told: defaultdict[str, dict[tuple[str, str], None]] = defaultdict(dict)
        self._repeats: Counter[str] = Counter()
        self._joining: defaultdict[str, list[Alert]] = defaultdict(list)

    def know(self, alerts: Sequence[Alert]) -> None:
        """Load what is known of these alerts, and incidents that new ones may join, in few questions."""
        found = self._tx.tracks((one.source, one.dedup_key) for one in alerts)
        self._tracks |= found
        self._unresolved |= set(self._tx.open_among({one.incident for one in found.values() if one.incident}))
        calm = {one.service for one in alerts if not _fires(found.get((one.source, one.dedup_key)))}
        self._look_near(calm)

    def take(self, arrivals: Sequence[Arrival]) -> Sequence[Taken | Replayed]:
        """Keep posts and hear all their alerts."""
        posts = [_post(one) for one in arrivals]
        known = [self._taken_before(one, arrival) for one, arrival in zip(posts, arrivals, strict=True)]
        new = [one for one, before in zip(posts, known, strict=True) if before is None]
        numbers = iter(self._tx.keep_posts(new, self._now))
        return [
            before or self._listen(next(numbers), one) for one, before in zip(arrivals, known, strict=True)
        ]

    def _taken_before(self, post: NewPost, arrival: Arrival) -> Taken | Replayed | None:
        """What is to be said of a post whose id came before; None for one that is new."""
        if not post.delivery:
            return None
        digest = self._posts.get((post.source, post.delivery))
        digest = digest or self._tx.delivered(post.source, post.delivery)
        if digest is None:
            self._posts[post.source, post.delivery] = post.digest
            return None
        if digest != post.digest:
            return Replayed("the id of this post was used for another one")
        return Taken(alerts=len(arrival.delivery.alerts), duplicate=True, note="taken before")

    def _listen(self, post: int, arrival: Arrival) -> Taken:
        delivery = arrival.delivery
        heard = [self.hear(one) for one in delivery.alerts]
        self._tx.keep_sightings(_sightings(post, heard), self._now)
        self._ignored(heard)
        return Taken(
            incidents=tuple(dict.fromkeys(one.incident for one, _ in heard if one.incident)),
            alerts=len(heard),
            silenced=sum(bool(one.silence) for one, _ in heard),
            note=delivery.note,
        )

    def hear(self, alert: Alert) -> tuple[Track, Heard]:
        """One alert as it came in: what it means, and whose it is. It is kept as its incident may read it."""
        before = self._tracks.get((alert.source, alert.dedup_key))
        track, heard = hear(before, alert, self._now, self._rule)
        if track is None:
            return Track(alert=alert, first_at=self._now, last_at=self._now), heard
        return self._place(track, heard), heard

    def admit(self, track: Track) -> Track:
        """An alert is quiet no longer: one that fires is placed as if it came in now."""
        loud = track.model_copy(update={"silence": ""})
        return self._place(loud, "new" if track.counts else "over")

    def settle(self, track: Track) -> None:
        """Note an alert that flaps no more; its incident learns what its last word was."""
        self._place(track, "repeat" if track.counts else "over")

    def _place(self, track: Track, heard: Heard) -> Track:
        if heard == "repeat" and track.incident in self._unresolved:
            self._tracks[track.key] = track = self._masked(track, track.incident)
            self._changed.add(track.key)
            self._repeats[track.incident] += 1  # the most there is in a storm, and nothing to decide
            return track
        if heard == "repeat" and not track.silence and self._is_over(track.incident):
            heard = "new"  # a person closed it, and it fires on and on
        opened = False
        if heard == "new":
            track, opened = self._new(track)
        else:
            loud = {"silence": ""} if heard == "over" else {}
            track = self._masked(track, track.incident).model_copy(update=loud)
        self._tracks[track.key] = track
        self._changed.add(track.key)
        if track.incident and not track.silence and heard != "stray" and not opened:
            self._told[track.incident][track.key] = None
            self._repeats[track.incident] += heard in ("repeat", "held")
        return track

    def _new(self, track: Track) -> tuple[Track, bool]:
        """Where a new episode belongs, and whether its incident opened with it."""
        quiet = covering(self._silences, track.alert, self._now)
        if quiet is not None:
            return self._masked(track, "").model_copy(update={"silence": quiet.id, "incident": ""}), False
        found = self._home(track)
        if found is None:
            return self._open(track), True
        if track.alert.service not in found.services:
            self._tx.belong(found.id, (track.alert.service,))
            joined = found.model_copy(update={"joined": (*found.joined, track.alert.service)})
            self._incidents[found.id] = joined
        track = self._masked(track, found.id)
        self._joining[found.id].append(track.shown)
        return track.model_copy(update={"incident": found.id, "silence": ""}), False

    def _home(self, track: Track) -> Incident | None:
        topology, service = self._topology, track.alert.service
        self._look_near({service})
        own = self._incident(track.incident) if track.incident else None
        if own is not None and own.status != "resolved":
            return own
        return home(track.alert, list(self._incidents.values()), topology, self._rule, self._now)

    def _look_near(self, services: AbstractSet[str]) -> None:
        """Load incidents that alerts of these services may join."""
        unasked = sorted(services - self._asked)
        if not unasked:
            return
        self._asked.update(unasked)
        around = dict.fromkeys(near for one in unasked for near in (one, *neighbours(one, self._topology)))
        since = self._now - self._outside.rules.recovery.relapse
        for incident in self._tx.near(tuple(around), since):
            self._incidents.setdefault(incident.id, incident)

    def _masked(self, track: Track, incident: str) -> Track:
        """Its words go to phones, trails and models: no secret and no control character goes with them.

        Words that are those of its last time were masked then.
        """
        alert, before = track.alert, self._tracks.get(track.key)
        if before is not None and all(getattr(alert, one) == getattr(before.alert, one) for one in _WORDS):
            return track
        safe, found = _masked(alert)
        if found:
            safe = named(safe, self._tx.vault.name(incident, found)) if incident else unnumbered(safe)
        return track.model_copy(update={"alert": safe})

    def _is_over(self, wanted: str) -> bool:
        """Whether the incident was resolved too long ago to be reopened."""
        found = self._incident(wanted) if wanted else None
        if found is None or found.status != "resolved":
            return found is None
        return self._now - found.milestones.get("resolved", found.opened_at) > found.policy.relapse

    def _incident(self, wanted: str) -> Incident | None:
        if wanted not in self._incidents:
            found = self._tx.incident(wanted)
            if found is None:
                return None
            self._incidents[wanted] = found
        return self._incidents[wanted]

    def _open(self, track: Track) -> Track:
        wanted = self._outside.new_id("inc")
        track = self._masked(track, wanted)
        rules, alert = self._outside.rules, track.shown
        severity = classify(alert, self._topology.get(alert.service), rules.severity)
        policy = policy_since(self._outside, self._tx, severity[0], alert.service, self._now)
        opened, commands = open_incident(
            wanted, alert, severity, policy, self._now, _turn(self._tx, policy.ladder)
        )
        self._save(opened, commands)
        self._tx.belong(wanted, (alert.service,))
        return track.model_copy(update={"incident": wanted, "silence": ""})

    def _save(self, incident: Incident, commands: Sequence[Command]) -> None:
        waiting = hold(incident, commands, self._now, self._outside.rules.enrichment.deadline)
        self._incidents[incident.id] = self._tx.save(incident, waiting, self._now)

    def _ignored(self, heard: Sequence[tuple[Track, Heard]]) -> None:
        for why, names in (
            ("resolved", [one.alert.name for one, how in heard if how == "stray"]),
            ("silenced", [one.alert.name for one, how in heard if how == "new" and one.silence]),
        ):
            if names:
                body = {"alert": ", ".join(names[:3]), "alerts": str(len(names)), "why": why}
                self._tx.record("", Record(action="alert.ignored", body=body), self._now)

    def finish(self) -> None:
        """Write what is known of the alerts, and tell each incident what concerns it."""
        self._tx.keep_tracks([self._tracks[one] for one in sorted(self._changed)])
        firing = self._tx.firing(self._told) if self._told else {}
        for incident, keys in self._told.items():
            self._tell(incident, [self._tracks[one] for one in keys], firing[incident])
        for incident, count in self._repeats.items():
            if incident not in self._told and count:
                self._tx.add_repeats(incident, count)

    def _tell(self, wanted: str, tracks: Sequence[Track], firing: int) -> None:
        before = self._incident(wanted)
        if before is None:
            raise UnknownIncident(f"there is no incident {wanted}, though alerts belong to it")
        flapping = {one.alert.name for one in tracks if one.flapping}
        calm = {one.alert.name for one in tracks if not one.flapping}
        names = tuple(sorted((set(before.flapping) - calm) | flapping))
        shown = tuple(one.shown for one in tracks)
        event = AlertsSeen(
            alerts=shown,
            repeats=self._repeats[wanted],
            firing=firing,
            flapping=names,
        )
        after, commands = reduce(before, event, self._now)
        settling = [_calming(wanted, one, calm_at(one, self._rule)) for one in tracks if one.flapping]
        self._save(*self._graver(wanted, after, (*commands, *settling)))

    def _graver(self, wanted: str, incident: Incident, commands: tuple[Command, ...]) -> Outcome:
        """One that is worse than what the incident was opened for makes it worse."""
        rules = self._outside.rules
        for alert in self._joining[wanted]:
            severity, why = classify(alert, self._topology.get(alert.service), rules.severity)
            if not worse(severity, incident.severity):
                continue
            event = SeverityChanged(
                severity=severity,
                why=f"{alert.name} on {alert.service} joined: {why}.",
                by="steadyhand",
                kind="system",
                via="service",
                policy=policy_since(self._outside, self._tx, severity, incident.service, incident.opened_at),
            )
            if not objection(incident, event):
                incident, more = reduce(incident, event, self._now)
                commands = (*commands, *more)
        return incident, commands


def _fires(track: Track | None) -> bool:
    return track is not None and track.counts


def _post(arrival: Arrival) -> NewPost:
    told = arrival.delivery
    digest = hashlib.sha256(arrival.raw).hexdigest()
    return NewPost(source=told.source, delivery=told.id, digest=digest, raw=arrival.raw)


def _calming(incident: str, track: Track, due_at: datetime) -> Arm:
    source, key = track.key
    payload = {"source": source, "dedup_key": key}
    return Arm(kind="calm", key=f"{incident}:calm:{source}:{key}", due_at=due_at, payload=payload)


def _sightings(post: int, heard: Sequence[tuple[Track, Heard]]) -> list[Sighting]:
    """Every change; of repeats the first for each incident, for the post is kept whole."""
    rows, repeated = [], set()
    for track, how in heard:
        again = how in ("repeat", "held")
        if how == "stray" or (again and track.incident in repeated):
            continue
        if again:
            repeated.add(track.incident)
        source, key = track.key
        rows.append(
            Sighting(post=post, incident=track.incident, source=source, dedup_key=key, status=_STATUS[how])
        )
    return rows


def _masked(alert: Alert) -> tuple[Alert, Mapping[str, Hidden]]:
    """The alert as it may be read, and what is hidden in it."""
    masker = Masker()
    words = {
        "name": masker.text(alert.name, 200) or "unnamed alert",
        "summary": masker.text(alert.summary, 1000),
        "labels": {name: masker.label(value, 500) for name, value in alert.labels.items()},
    }
    return alert.model_copy(update=words), masker.found


def _turn(tx: Transaction, ladder: Ladder) -> int:
    """Whose turn it is by this policy: after those of its latest incident, where a tier goes round."""
    if not any(one.notify == "round_robin" for one in ladder.tiers):
        return 0
    latest = (one for one in tx.incidents(_LATEST) if one.policy.ladder.name == ladder.name)
    last = next(latest, None)
    return last.turn + 1 if last else 0


def tell_incident(outside: Outside, incident: str, event: Event) -> Incident:
    """Let an event happen to an incident. Raises UnknownIncident, LedgerError."""
    with outside.ledger.write() as tx:
        return happen(tx, incident, event, outside.clock.now())


def happen(tx: Transaction, incident: str, event: Event, now: datetime) -> Incident:
    """Let an event happen inside an open transaction. Raises UnknownIncident."""
    before = tx.incident(incident)
    if before is None:
        raise UnknownIncident(f"there is no incident {incident}; list_incidents shows them")
    after, commands = reduce(before, event, now)
    if after == before and not commands:
        return before
    saved = tx.save(after, commands, now)
    if saved.status == "resolved" != before.status:
        remember(tx, saved)
    return saved
