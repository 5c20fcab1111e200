"""What the store must offer for alerts: posts as they came in, those not heard yet, what each alert did."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pydantic import Field

from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.alert.silence import Silence
from steadyhand.journey.alert.tracking import Track
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.rule import Instant, Value

LONGEST_KEPT = 65_536
"""Bytes of a post that are kept."""


class KeptPost(Value):
    """A post of an alert source as it came in, cut where it was too long; `size` is what it was, in bytes."""

    source: str
    at: Instant
    size: int
    raw: str


class NewPost(Value):
    """A post to be kept; `delivery` is its sender's id for it, "" where there is none."""

    source: str
    delivery: str
    digest: str
    raw: bytes


class WaitingPost(NamedTuple):
    """A post that was received and not heard yet; `tries` counts those that failed.

    `alerts` reads those that were kept beside the post: none where they are to be read from its `raw` text.
    """

    number: int
    at: datetime
    source: str
    raw: str
    alerts: Callable[[], tuple[Alert, ...]]
    tries: int


class ReadPost(NamedTuple):
    """A post that is heard now, and its alerts."""

    number: int
    at: datetime
    alerts: tuple[Alert, ...]


class Backlog(Value):
    """Posts that were received and not heard yet: how many, how long the first of them has waited."""

    posts: int = 0
    age: timedelta = timedelta()
    given_up: int = Field(default=0, description="Nobody tries these again; each has paged.")


class Sighting(Value):
    """What a post told of one alert; `incident` is "" where it is nobody's."""

    post: int
    incident: str
    source: str
    dedup_key: str
    status: str


AlertKey = tuple[str, str]
"""A source and its dedup key."""


class Known(NamedTuple):
    """What is known of an alert at a glance; `track` reads the rest."""

    words: str
    incident: str
    silence: str
    track: Callable[[], Track]


class Repeat(NamedTuple):
    """How often an alert only said again what was known, and when it last did."""

    key: AlertKey
    times: int
    at: datetime


class Posts(Protocol):
    """The part of a transaction that is about posts of alert sources. Raises LedgerError."""

    def delivered(self, source: str, delivery: str) -> str | None:
        """The digest of the post that came under this id before."""
        ...

    def keep_posts(self, posts: Sequence[NewPost], now: datetime) -> Sequence[int]: ...
    def await_hearing(self, number: int, told: Delivery, now: datetime) -> None: ...
    def waiting(self, now: datetime, most: int) -> Sequence[WaitingPost]:
        """The posts that have waited longest: at most so many alerts, but one post at least."""
        ...

    def unheard(self, number: int) -> WaitingPost | None:
        """This post, where it still waits."""
        ...

    def heard(self, numbers: Sequence[int]) -> None: ...
    def put_off(self, number: int, again_at: datetime | None) -> None:
        """It could not be heard: again at an instant, or given up."""
        ...

    def retry_given_up(self, now: datetime) -> int:
        """Those that were given up are tried once more; how many there are."""
        ...

    def told_of(self, number: int) -> Collection[str]:
        """The incidents whose alerts this post told of, once it was heard."""
        ...

    def backlog(self, now: datetime) -> Backlog: ...
    def posts(self, incident: str, limit: int) -> Sequence[KeptPost]: ...


class Alerts(Protocol):
    """The part of a transaction that is about alerts. Raises LedgerError."""

    def tracks(self, keys: Iterable[AlertKey]) -> Mapping[AlertKey, Track]: ...
    def known(self, keys: Collection[AlertKey]) -> Mapping[AlertKey, Known]:
        """What is known of these alerts, at a glance; `words` are those of one that fires steadily."""
        ...

    def repeat(self, repeats: Sequence[Repeat]) -> None: ...
    def keep_tracks(self, tracks: Sequence[Track], words: Mapping[AlertKey, str]) -> None:
        """Write what is known of these alerts, and what a mere repeat of each would say."""
        ...

    def keep_sightings(self, seen: Sequence[Sighting], now: datetime) -> None: ...
    def firing(self, incidents: Collection[str]) -> Mapping[str, int]: ...
    def open_among(self, incidents: Collection[str]) -> Collection[str]:
        """Those of these incidents that are not resolved."""
        ...

    def add_repeats(self, counts: Mapping[str, int]) -> None:
        """Count alerts of incidents that only said again what was known; nothing else of them changes."""
        ...

    def firing_on(self, service: str) -> int: ...
    def label_seen(self, name: str) -> bool: ...
    def silenced(self, silence: str) -> Sequence[Track]: ...
    def near(self, services: Sequence[str], since: datetime) -> Sequence[Incident]:
        """Incidents of these services, or that they joined: open, or resolved since then."""
        ...

    def belong(self, incident: str, services: Sequence[str]) -> None: ...
    def alike(self, names: Sequence[AlertKey], besides: str, limit: int) -> Sequence[Incident]:
        """Earlier incidents that one of these alerts belonged to, newest first."""
        ...

    def silences(self, since: datetime) -> Sequence[Silence]:
        """Those that last, or are to come, later than this."""
        ...

    def silence(self, wanted: str) -> Silence | None: ...
    def keep_silence(self, silence: Silence) -> None: ...
    def unheard_until(self, incident: str, thread: str) -> datetime | None:
        """The instant the first page of this thread waits for; None once any was tried, or none waits."""
        ...

    def release_pages(self, incident: str, text: str, until: datetime, now: datetime) -> int:
        """Let pages that wait until then leave now, with these words at their end; returns how many."""
        ...
