"""One alert over time: repeats are counted, episodes told apart, flapping held.

| heard                        | before                | becomes                               |
|------------------------------|-----------------------|---------------------------------------|
| firing                       | nothing, or over      | new: an episode begins                |
| firing                       | firing                | repeat: counted, no clock moves       |
| firing, begun after the last | firing                | new: its end got lost on the way here |
| resolved                     | firing                | over                                  |
| resolved                     | nothing, or over      | stray: nobody waits for it            |
| any change                   | too many changes      | held: it counts as firing until calm  |
"""

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import Field

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.rule import AlertRule
from steadyhand.journey.rule import Instant, Value

Heard = Literal["new", "repeat", "over", "held", "stray"]


class Track(Value):
    """What is known of one alert of one source: the alert as last heard, and its history."""

    alert: Alert
    episode: int = Field(default=1, ge=1)
    count: int = Field(default=1, ge=1, description="How often it was heard, over all episodes.")
    first_at: Instant
    last_at: Instant
    changes: tuple[Instant, ...] = Field(default=(), description="Its latest beginnings and ends.")
    flapping: bool = False
    incident: str = Field(default="", description="Where its present or latest episode belongs.")
    silence: str = Field(default="", description="What keeps its present episode quiet.")

    @property
    def key(self) -> tuple[str, str]:
        """Source and dedup key."""
        return self.alert.source, self.alert.dedup_key

    @property
    def counts(self) -> bool:
        """Whether it counts as firing: it does while it flaps, whatever it said last."""
        return self.flapping or self.alert.status == "firing"

    @property
    def steady(self) -> bool:
        """Whether a post that says the same again changes nothing but the count."""
        return self.alert.status == "firing" and not self.flapping

    @property
    def shown(self) -> Alert:
        """The alert as its incident is to see it."""
        status = "firing" if self.counts else "resolved"
        return self.alert if self.alert.status == status else self.alert.model_copy(update={"status": status})


def words(alert: Alert) -> str:
    """A digest of all that an alert says: equal words of one that fires steadily are a mere repeat.

    When it began is no part of it where the source does not say so.
    """
    said = alert.model_dump_json(exclude=None if alert.dated else {"starts_at"})
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def hear(before: Track | None, alert: Alert, now: datetime, rule: AlertRule) -> tuple[Track | None, Heard]:
    """What an alert that came in means, and what is known of it from now on. A stray is not kept."""
    if before is None:
        if alert.status == "resolved":
            return None, "stray"
        return Track(alert=alert, first_at=now, last_at=now, changes=(now,)), "new"
    told = before.model_copy(update={"alert": alert, "count": before.count + 1, "last_at": now})
    if alert.status != before.alert.status:
        return _compared(before, _changed(told, now, 1, rule))
    if _missed_an_end(before, alert):
        after = _changed(told, now, 2, rule)
        return after, "held" if after.flapping else "new"
    return _compared(before, _calmed(told, now, rule))


def _missed_an_end(before: Track, alert: Alert) -> bool:
    """It fires again and says that it began after we last heard it: its end never got here."""
    return alert.status == "firing" and alert.dated and alert.starts_at > before.last_at


def _compared(before: Track, after: Track) -> tuple[Track, Heard]:
    """What an incident makes of it, to which a flapping alert fires all the time."""
    match before.counts, after.counts:
        case False, True:
            return after, "new"
        case True, False:
            return after, "over"
        case True, True:
            return after, "held" if after.flapping else "repeat"
        case _:
            return after, "stray"


def _changed(told: Track, now: datetime, by: int, rule: AlertRule) -> Track:
    recent = (*_recent(told, now, rule), *[now] * by)[-rule.flap_changes :]
    began = told.alert.status == "firing"
    return told.model_copy(
        update={
            "changes": recent,
            "flapping": len(recent) >= rule.flap_changes,
            "episode": told.episode + int(began),
        }
    )


def _recent(track: Track, now: datetime, rule: AlertRule) -> tuple[datetime, ...]:
    return tuple(one for one in track.changes if now - one <= rule.flap_within)


def _calmed(track: Track, now: datetime, rule: AlertRule) -> Track:
    recent = _recent(track, now, rule)
    if recent == track.changes:
        return track
    return track.model_copy(update={"changes": recent, "flapping": track.flapping and bool(recent)})


def calm_at(track: Track, rule: AlertRule) -> datetime:
    """When it stops flapping if it changes no more."""
    return max(track.changes, default=track.last_at) + rule.flap_within


def calm(track: Track, now: datetime, rule: AlertRule) -> Track:
    """The alert once nothing has changed for the whole window; the same one before that."""
    if not track.flapping or now < calm_at(track, rule):
        return track
    return track.model_copy(update={"flapping": False, "changes": ()})
