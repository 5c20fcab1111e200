"""What the outside must offer, in our words. How it may fail stands in errors.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from steadyhand.errors import (
    AlertRefused,
    BadAlert,
    ConfigError,
    EffectUnknown,
    ForeignChange,
    LeaseLost,
    LedgerError,
    NewerRelease,
    NotAuthentic,
    Replayed,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    SteadyhandError,
)
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.journey.commands import Act
from steadyhand.journey.evidence.model import (
    Change,
    DatabaseReport,
    LogReport,
    Series,
    SpanReport,
    Window,
)
from steadyhand.journey.evidence.patterns.tally import TalliedLogs
from steadyhand.journey.remedy.model import DatabaseAction, EffectState
from steadyhand.journey.rollout.model import Arms, Observed
from steadyhand.journey.rule import Value
from steadyhand.journey.seen import CallEdge

__all__ = [  # what ports and those who use them share; all else is defined here
    "AlertRefused",
    "BadAlert",
    "ConfigError",
    "EffectUnknown",
    "ForeignChange",
    "LeaseLost",
    "LedgerError",
    "NewerRelease",
    "NotAuthentic",
    "Replayed",
    "SourceError",
    "SourceRefused",
    "SourceUnavailable",
    "SteadyhandError",
]


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    async def sleep(self, span: timedelta) -> None:
        """Return once `span` has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What somebody posted, untouched: header names in lower case, the raw bytes, and when they came."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class AlertSource(Protocol):
    """A monitoring system that posts its alerts to us."""

    name: str
    signed: bool  # proves its posts by itself; a post of any other source needs the ingest token

    async def read(self, post: Post) -> Delivery:
        """The alerts of a post, which is checked first. Raises AlertRefused, SourceUnavailable."""


@runtime_checkable
class ManyAlerts(AlertSource, Protocol):
    """A source whose posts hold many: all is checked at once, and most of the work done when it is heard."""

    def alerts(self, post: Post) -> tuple[Alert, ...]:
        """Those of a post that `read` found well-formed and only counted. Its headers are gone by then."""


class LogSource(Protocol):
    """Log lines of a service."""

    name: str

    async def read(self, services: Sequence[str], window: Window, text: str = "") -> LogReport:
        """The lines of these services in the window that hold `text`. What cannot be seen is named.

        The source itself looks for it where it can; else it is looked for among the lines that are read.

        Raises SourceError where nothing can be seen at all.
        """


@runtime_checkable
class LogCounter(Protocol):
    """A log source that can count kinds of messages where they are, without giving all lines."""

    name: str

    async def tally(self, services: Sequence[str], window: Window, most: int) -> TalliedLogs:
        """The kinds of messages of these services in the window, at most `most` of them kept apart.

        What was not counted is named. Raises SourceError where nothing can be seen at all.
        """


class MetricSource(Protocol):
    """Series of a metrics system, asked for in its own words: PromQL, unless it is a ServiceMetrics."""

    name: str

    async def series(self, selector: str, window: Window, step: timedelta) -> Sequence[Series]:
        """Every series the query gives, about one point each `step`. Raises SourceError."""

    async def value(self, expression: str, at: datetime) -> float | None:
        """One number, or None where there is no sample. Raises SourceError."""


class ServiceMetrics(MetricSource, Protocol):
    """A metrics system with a language of its own; the configuration holds what to ask for each service."""

    @property
    def services(self) -> Collection[str]:
        """Those it is asked for."""
        ...

    async def series_of(self, service: str, window: Window, step: timedelta) -> Sequence[Series]:
        """The series of a service, each labelled `service`. Raises SourceError."""
        ...


class EdgeSource(Protocol):
    """Who called whom: spans, or a mesh's counters."""

    name: str

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """Every pair of caller and callee seen in the window. Raises SourceError."""


class TraceSource(EdgeSource, Protocol):
    """Traces of requests, read-only: who calls whom, and what single requests did."""

    async def spans(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        """Spans of at most `most` traces that pass these services in the window, failed ones among them.

        What cannot be seen is a gap in the report. Raises SourceError where nothing can be seen at all.
        """


class ChangeSource(Protocol):
    """What was deployed or changed."""

    name: str

    async def changes(self, services: Sequence[str], window: Window) -> Sequence[Change]:
        """Changes to these services that began in the window, oldest first. Raises SourceError."""

    async def diff(self, change: Change) -> str:
        """What a change of this source did, as text; "" where it keeps none. Raises SourceError."""


@runtime_checkable
class ChangeHook(Protocol):
    """A system that posts its changes to us and proves that it does."""

    name: str

    def read(self, post: Post) -> Sequence[Change]:
        """The changes of a post, which is checked first. Raises AlertRefused."""


class Check(Protocol):
    """One read-only question to one thing that the configuration names. Nothing of it comes from a model."""

    kind: CheckKind
    target: str
    """The service, database or third party it speaks of."""
    what: str
    """What is looked at, in words that hold no secret, e.g. `api.example.com:443`."""

    async def run(self, at: datetime) -> Finding:
        """Look once, within a deadline of its own. Raises SourceError where nothing can be said."""


class DatabaseProbe(Protocol):
    """A read-only look into one database."""

    name: str

    async def look(self, at: datetime) -> DatabaseReport:
        """What it is doing now. What cannot be seen is a gap in the report, not an error."""


class DatabaseHand(Protocol):
    """The few guarded statements a fix may run in one database. Each is safe to repeat."""

    name: str

    async def state(self, action: DatabaseAction) -> EffectState:
        """How far the database is from what the action wants; changes nothing. Raises SourceError."""

    async def act(self, action: DatabaseAction) -> None:
        """Run the statement and verify its effect. Raises SourceError, EffectUnknown."""

    def by_hand(self, action: DatabaseAction) -> str:
        """The statement with which a person does the same."""


LeaseKind = Literal["in the proxy", "watchdog", "none"]


class TrafficTarget(Protocol):
    """One service whose traffic can be split between a stable and a canary arm.

    Every step sets an absolute value and reads it back; all are safe to repeat. A share that somebody else
    holds or moved is a ForeignChange: it is told, not overwritten.
    """

    name: str
    mark: str
    """What `Observed.owner` says while the share is ours; another text is another's, "" is nobody's."""
    lease_kind: LeaseKind
    """Who brings traffic home when we are dead: the proxy itself, a watchdog process, or nobody."""

    async def observe(self) -> Observed:
        """Share, versions and health of both arms now; changes nothing. Raises SourceError."""

    async def prepare(self, version: str, replicas: int) -> Observed:
        """Bring the canary arm to this release, without traffic. Raises SourceError, EffectUnknown."""

    async def set_share(self, share: float, lease: timedelta, fence: int = 0) -> Observed:
        """Give the canary arm this share; unless renewed the traffic is stable again after `lease`.

        `fence` rises each time another process takes a rollout over: a target that can keep the highest it
        has seen refuses a lower one. Raises SourceError, ForeignChange, EffectUnknown.
        """

    async def counters(self, slow_ms: tuple[float, float]) -> Arms:
        """Cumulative requests, errors and slow answers (over each limit) of both arms, at one instant."""

    async def slow_limits(self) -> tuple[float, float] | None:
        """The stable arm's p90 and p99 in ms, as answered so far; None where that cannot be told.

        Raises SourceError.
        """

    async def settle(self, version: str) -> Observed:
        """Make the release permanent: the stable arm runs it, the canary arm has no traffic."""

    async def revert(self) -> Observed:
        """Bring all traffic back to the stable arm and empty the canary arm."""

    def by_hand(self) -> str:
        """The exact command with which a person brings all traffic back without us; holds no secret."""


class Letter(Value):
    """One message as a channel gets it. Subject and body are untrusted: each channel escapes its own way."""

    key: str = Field(description="Makes it one message, however often it is tried.")
    target: str = Field(description="Whom it is for, as the channel calls them.")
    subject: str
    body: str
    act: Act = "page"
    severity: str = Field(default="", description="SEV1 to SEV4; empty where it concerns no incident.")
    incident: str = ""
    thread: str = Field(default="", description="What belongs together: one episode of one incident.")
    first: str = Field(default="", description="Receipt of the thread's first message to this target.")
    link: str = Field(default="", description="Where the incident is shown; empty when nobody said where.")


class Confirmation(Value):
    """What a channel says became of a message."""

    key: str
    how: Literal["delivered", "seen", "failed"]
    why: str = ""


@runtime_checkable
class Confirms(Protocol):
    """A channel that posts receipts to us."""

    def confirmation(self, post: Post) -> Confirmation:
        """What a receipt says, which is checked first. Raises AlertRefused."""


class Channel(Protocol):
    """A way to reach a person. Delivery is at least once: the same letter may be sent again."""

    name: str
    carries: frozenset[Act]
    """What it takes. A phone, say, does not ring to say that nobody need come."""
    receipt_within: timedelta | None
    """How soon a receipt of delivery must come in; None where the channel gives none."""

    async def send(self, letter: Letter) -> str:
        """Send one message. Returns the provider's id, which says "accepted" and nothing more.

        Raises SourceUnavailable (try again), SourceRefused (never), EffectUnknown (look first).
        """

    async def find(self, letter: Letter) -> str:
        """The provider's id of a message that an earlier try may have left there; "" where none is seen.

        A channel that cannot look, or whose receiver drops repeats by itself, says "". Raises SourceError
        only where a repeat would do more harm than a wait.
        """

    async def ready(self) -> Sequence[str]:
        """What is wrong with it now, one sentence each; disturbs nobody."""


class Watchdog(Protocol):
    """Somebody outside who pages when we fall silent."""

    every: timedelta
    """How often it wants to hear from us."""

    async def ping(self) -> None:
        """Say that all is well; takes ten seconds at most. Raises SourceError."""


class Archive(Protocol):
    """Where closed incidents go when they leave the store."""

    def keep(self, closed_at: datetime, line: str) -> str:
        """Keep one line of JSON for good before it returns; says where. Raises OSError."""


class CheckpointKey(Protocol):
    """Signs checkpoints of the audit trail with Ed25519."""

    public: str
    """The public key, in hex."""

    def sign(self, message: bytes) -> bytes:
        """The signature of these bytes, 64 bytes."""


class CheckpointSink(Protocol):
    """A place out of reach of whoever owns the store."""

    name: str

    async def keep(self, line: str) -> None:
        """Keep one checkpoint; it may come twice. Raises SteadyhandError or OSError when it did not."""
