"""Alerts are heard: incidents opened or told of them, all of a round in one transaction."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from steadyhand.journey.alert.grouping import home, neighbours
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.severity import classify, worse
from steadyhand.journey.alert.silence import covering
from steadyhand.journey.alert.tracking import Heard, Track, calm_at, hear, words
from steadyhand.journey.commands import Arm, Command, Record
from steadyhand.journey.escalation.ladder import Ladder
from steadyhand.journey.evidence.masking import Hidden, Masker, named, unnumbered
from steadyhand.journey.incident.grading import objection
from steadyhand.journey.incident.holding import hold
from steadyhand.journey.incident.open import open_incident
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import AlertsSeen, Event, Incident, Outcome, SeverityChanged
from steadyhand.ports import SteadyhandError
from steadyhand.responder.alerts.ears import Taken
from steadyhand.responder.investigation.remembering import remember
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import policy_since
from steadyhand.store import Transaction
from steadyhand.store_alerts import AlertKey, Known, NewPost, ReadPost, Repeat, Sighting

_STATUS: dict[Heard, str] = {"new": "firing", "over": "resolved", "held": "flapping", "repeat": "repeat"}

_LATEST = 50
_WORDS = ("name", "summary", "labels")


class UnknownIncident(SteadyhandError):
    """There is no incident of this id."""


class Told(NamedTuple):
    """What one alert of a post meant."""

    key: AlertKey
    name: str
    incident: str
    silence: str
    how: Heard


def take_alert(outside: Outside, alert: Alert, raw: str) -> str:
    """Store an alert of our own and hear it in the same transaction.

    Returns its incident's id, or "" for a resolution nobody waits for. Raises LedgerError: then nothing of it
    is stored.
    """
    now, body = outside.clock.now(), raw.encode(errors="replace")
    digest = hashlib.sha256(body).hexdigest()
    with outside.ledger.write() as tx:
        (number,) = tx.keep_posts([NewPost(source=alert.source, delivery="", digest=digest, raw=body)], now)
        (taken,) = hear_posts(outside, tx, [ReadPost(number, now, (alert,))], now)
    return next(iter(taken.incidents), "")


def hear_posts(
    outside: Outside, tx: Transaction, posts: Sequence[ReadPost], now: datetime
) -> Sequence[Taken]:
    """All that follows from these posts, in the order they came. Raises LedgerError."""
    round_ = Round(outside, tx, now)
    round_.know([alert for one in posts for alert in one.alerts])
    taken = [round_.listen(one) for one in posts]
    round_.finish()
    return taken


class Round:
    """What comes in at one instant. Alerts are heard one by one; each incident is told once, at the end."""

    def __init__(self, outside: Outside, tx: Transaction, now: datetime) -> None:
        self._outside, self._tx, self._now = outside, tx, now
        self._rule, self._topology = outside.rules.alerts, outside.rules.topology
        self._unresolved: set[str] = set()
        self._silences = tx.silences(now)
        self._steady: dict[AlertKey, Known] = {}
        self._again: dict[AlertKey, Repeat] = {}
        self._words: dict[AlertKey, str] = {}
        self._tracks: dict[AlertKey, Track] = {}
        self._changed: set[AlertKey] = set()
        self._incidents: dict[str, Incident] = {}
        self._asked: set[str] = set()
        self._moved: defaultdict[str, dict[AlertKey, None]] = defaultdict(dict)
        self._repeats: Counter[str] = Counter()
        self._joining: defaultdict[str, list[Alert]] = defaultdict(list)

    def know(self, alerts: Sequence[Alert]) -> None:
        """Load what is known of these alerts, and incidents that new ones may join, in few questions."""
        said = defaultdict[AlertKey, set[str]](set)
        for one in alerts:
            said[one.source, one.dedup_key].add(words(one))
        known = self._tx.known(said)
        self._unresolved.update(self._tx.open_among({one.incident for one in known.values() if one.incident}))
        self._steady = {key: one for key, one in known.items() if self._only_repeats(one, said[key])}
        self._tracks |= {key: one.track() for key, one in known.items() if key not in self._steady}
        self._words = {key: next(iter(one)) for key, one in said.items() if len(one) == 1}
        moving = (one for one in alerts if (one.source, one.dedup_key) not in self._steady)
        self._look_near(
            {one.service for one in moving if not _fires(self._tracks.get((one.source, one.dedup_key)))}
        )

    def _only_repeats(self, known: Known, said: AbstractSet[str]) -> bool:
        """All that this round says of it was known, so nothing is to be decided: most of a storm is so."""
        placed = known.silence or known.incident in self._unresolved
        return bool(placed) and said == {known.words}

    def listen(self, post: ReadPost) -> Taken:
        """Hear all alerts of a post."""
        told = [self._repeat(one, post.at) or self._told(one, post.at) for one in post.alerts]
        self._tx.keep_sightings(_sightings(post.number, told), self._now)
        self._ignored(told)
        return Taken(
            receipt=post.number,
            heard=True,
            incidents=tuple(dict.fromkeys(one.incident for one in told if one.incident)),
            alerts=len(told),
            silenced=sum(bool(one.silence) for one in told),
        )

    def _repeat(self, alert: Alert, at: datetime) -> Told | None:
        """Count a mere repeat; None where there is more to it."""
        key = alert.source, alert.dedup_key
        known = self._steady.get(key)
        if known is None:
            return None
        before = self._again.get(key)
        self._again[key] = Repeat(key, before.times + 1 if before else 1, at)
        if known.incident:
            self._repeats[known.incident] += 1
        return Told(key, alert.name, known.incident, known.silence, "repeat")

    def _told(self, alert: Alert, at: datetime) -> Told:
        track, how = self.hear(alert, at)
        return Told(track.key, track.alert.name, track.incident, track.silence, how)

    def hear(self, alert: Alert, at: datetime) -> tuple[Track, Heard]:
        """One alert as it came in at an instant: what it means, and whose it is.

        It is kept as its incident may read it.
        """
        before = self._tracks.get((alert.source, alert.dedup_key))
        track, heard = hear(before, alert, at, self._rule)
        if track is None:
            return Track(alert=alert, first_at=at, last_at=at), heard
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
            self._moved[track.incident][track.key] = None
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

    def _ignored(self, told: Sequence[Told]) -> None:
        for why, names in (
            ("resolved", [one.name for one in told if one.how == "stray"]),
            ("silenced", [one.name for one in told if one.how == "new" and one.silence]),
        ):
            if names:
                body = {"alert": ", ".join(names[:3]), "alerts": str(len(names)), "why": why}
                self._tx.record("", Record(action="alert.ignored", body=body), self._now)

    def finish(self) -> None:
        """Write what is known of the alerts, and tell each incident what concerns it."""
        changed = [self._tracks[one] for one in sorted(self._changed)]
        self._tx.keep_tracks(
            changed, {one.key: self._words.get(one.key, "") for one in changed if one.steady}
        )
        self._tx.repeat(list(self._again.values()))
        firing = self._tx.firing(self._moved) if self._moved else {}
        self._tx.audit.foresee(self._moved)
        for incident, keys in self._moved.items():
            self._tell(incident, [self._tracks[one] for one in keys], firing[incident])
        again = {one: count for one, count in self._repeats.items() if count and one not in self._moved}
        self._tx.add_repeats(again)

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


def _calming(incident: str, track: Track, due_at: datetime) -> Arm:
    source, key = track.key
    payload = {"source": source, "dedup_key": key}
    return Arm(kind="calm", key=f"{incident}:calm:{source}:{key}", due_at=due_at, payload=payload)


def _sightings(post: int, told: Sequence[Told]) -> list[Sighting]:
    """Every change; of repeats the first for each incident, for the post is kept whole."""
    rows, repeated = [], set()
    for one in told:
        again = one.how in ("repeat", "held")
        if one.how == "stray" or (again and one.incident in repeated):
            continue
        if again:
            repeated.add(one.incident)
        source, key = one.key
        rows.append(
            Sighting(post=post, incident=one.incident, source=source, dedup_key=key, status=_STATUS[one.how])
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
