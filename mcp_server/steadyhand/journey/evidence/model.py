"""The values of the evidence stage: what the outside gives, and what we make of it."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from steadyhand.journey.rule import Instant, Value
from steadyhand.journey.topology import Kind, Service


class Window(Value):
    """A span of time, start included, end excluded."""

    start: Instant
    end: Instant

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


class LogLine(Value):
    """One log record of one service; its text is untrusted."""

    at: Instant
    service: str
    severity: str
    message: str
    fields: dict[str, str] = Field(default={})
    ref: str = Field(description="Where it can be opened again, e.g. file:offset.")

    def holds(self, text: str) -> bool:
        """Whether the text stands in its message or a field, whatever its case, or is its ref."""
        wanted = text.lower()
        return (
            wanted in self.message.lower()
            or text == self.ref
            or any(wanted in one.lower() for one in self.fields.values())
        )


Finding = Literal["", "text", "words"]


class Coverage(Value):
    """How much of a service's data one source held, and how much of it was really looked at."""

    source: str
    service: str
    matched: int | None = Field(default=None, ge=0, description="Held, by its own count; None: not counted.")
    read: int = Field(ge=0, description="Looked at.")
    sampled: tuple[str, ...] = Field(default=(), description="What was not read whole, and which share was.")
    window: Window = Field(description="What of the time asked for was really covered.")
    unit: str = "lines"
    found_by: Finding = Field(
        default="", description="How it looked for the text that was asked for: as it stands, or its words."
    )

    def told(self) -> str:
        """The same in one clause."""
        of = "an unknown number" if self.matched is None else f"{self.matched:,}"
        of += {"": "", "text": " found", "words": " found by whole words"}[self.found_by]
        share = f" (sampled: {', '.join(self.sampled)})" if self.sampled else ""
        span = f"{self.window.start:%H:%M:%S}-{self.window.end:%H:%M:%S}"
        return (
            f"{self.source}: {self.read:,} of {of} {self.unit} of {self.service} read{share}, {span} covered"
        )


class ClockOffset(Value):
    """How far the clock that stamps an entity's records is ahead of the others; negative: behind."""

    entity: str
    lo_s: float
    hi_s: float
    text: str = Field(description="How it shows, for people.")
    stamps: bool = Field(default=True, description="Whether it surely stamps this entity's lines and spans.")


class LogReport(Value):
    """What one log source gave, and what it could not give."""

    lines: tuple[LogLine, ...] = Field(default=(), description="Oldest first.")
    gaps: tuple[str, ...] = Field(default=(), description="What of the window was not read, and why.")
    unlogged: tuple[str, ...] = Field(default=(), description="Services asked for that it holds no log of.")
    assumptions: tuple[str, ...] = Field(default=(), description="What had to be assumed, e.g. a zone.")
    coverage: tuple[Coverage, ...] = Field(default=(), description="By service, where lines were left out.")


class Span(Value):
    """One operation of one service inside a trace; its texts are untrusted."""

    trace: str
    id: str
    parent: str = Field(default="", description="Empty at the root, or where the parent was not recorded.")
    service: str
    operation: str
    start: Instant
    duration_ms: float = Field(ge=0)
    failed: bool = False
    peer: str = Field(default="", description="The uninstrumented system it calls, e.g. a database.")
    peer_kind: Kind = "service"


class SpanReport(Value):
    """Spans of a window: whole traces, as many as were read, and what could not be seen."""

    spans: tuple[Span, ...] = ()
    gaps: tuple[str, ...] = ()
    coverage: tuple[Coverage, ...] = ()


class Traced(Value):
    """What one source of traces saw in the calm part of the look-back, and what since."""

    source: str
    calm: SpanReport
    since: SpanReport


class Series(Value):
    """Samples of one metric with its labels; `times` are unix seconds, ascending."""

    name: str
    labels: dict[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


class Change(Value):
    """Something somebody or something did to production."""

    id: str
    service: str
    kind: Literal["code", "config", "flag", "migration", "scaling", "schedule", "other"]
    version: str = ""
    previous: str = ""
    author: str = ""
    summary: str = Field(default="", max_length=500)
    diff: str = Field(default="", max_length=20_000)
    replicas: int | None = Field(default=None, ge=0, description="How many it reaches.")
    source: str = Field(default="", max_length=80, description="Name of the source it was read from.")
    handle: str = Field(default="", max_length=500, description="By which that source finds its diff.")
    started_at: Instant
    finished_at: Instant | None = None


class Session(Value):
    """One database session as its activity view shows it; the query text is untrusted."""

    pid: int
    application: str
    state: str
    wait: str = ""
    transaction_s: float = 0.0
    state_s: float = Field(default=0.0, description="Seconds in the present state.")
    query: str = ""
    blocked_by: tuple[int, ...] = ()
    backend_start: Instant | None = None
    query_start: Instant | None = None
    transaction_start: Instant | None = None


class Scan(Value):
    """A statement whose plan reads a whole table to find few rows."""

    table: str
    columns: tuple[str, ...] = Field(description="Columns the plan filters on.")
    rows: int = Field(description="Rows of the table, as the planner believes.")
    query: str
    mean_ms: float | None = None
    calls: int | None = None
    verdict: str = Field(
        default="", description="What the planner says to a hypothetical index; empty: not asked."
    )


class Statement(Value):
    """A statement that took time lately, as the server counts or logs it."""

    query: str
    calls: int = Field(description="As far back as the server counts; the slow log: those it holds.")
    mean_ms: float
    max_ms: float | None = None
    rows_read: float | None = Field(default=None, description="Rows looked at for each call.")
    first_seen: Instant | None = Field(default=None, description="When the server first saw its like.")


class Clients(Value):
    """Connections that look the same from outside."""

    application: str
    address: str = Field(description="Where from; `local` for a socket of the same host.")
    role: str
    state: str
    count: int


class TableHealth(Value):
    """How a table is kept. Sizes and bloat are estimates of the server's statistics."""

    table: str
    live_rows: int
    dead_rows: int
    bytes: int
    bloat_bytes: int | None = Field(default=None, description="Estimate; None without statistics.")
    vacuumed_at: Instant | None = None
    analysed_at: Instant | None = None
    xid_age: int = 0


class Replica(Value):
    """A follower, a slot that keeps the log for one, or this server's own lag."""

    name: str
    state: str
    lag_bytes: int | None = None
    lag_s: float | None = None


class TransactionIds(Value):
    """The age of the oldest unfrozen transaction id, and at which age the server vacuums by force."""

    oldest: int
    freeze_at: int


class TableLoad(Value):
    """How a table is being read, as rates over the probe's few seconds."""

    table: str
    rows: int
    seq_scans_per_s: float
    seq_rows_per_s: float
    index_scans_per_s: float


class Index(Value):
    """An index that exists."""

    name: str
    table: str
    columns: tuple[str, ...]
    valid: bool


class DatabaseFile(Value):
    """The file of an embedded database and what lies beside it."""

    bytes: int
    free_bytes: int = Field(description="Pages that hold nothing and are not given back.")
    journal: Literal["write-ahead log", "rollback journal"]
    journal_bytes: int = Field(description="Of the log or journal beside it; 0 where there is none.")
    problems: tuple[str, ...] = Field(default=(), description="What is broken in its schema.")


class DatabaseReport(Value):
    """What a read-only look into one database found."""

    database: str
    at: Instant
    system: Literal["postgresql", "mysql", "sqlite"] = "postgresql"
    sessions: tuple[Session, ...] = ()
    max_connections: int | None = None
    waits_for_restart: tuple[str, ...] = Field(
        default=(), description="Parameters that were changed and are not in force until a restart."
    )
    idle_timeout_ms: int | None = Field(
        default=None,
        description="How long a transaction may idle; 0: for ever. None: not known, or set by somebody.",
    )
    tables: tuple[TableLoad, ...] = ()
    scans: tuple[Scan, ...] = ()
    statements: tuple[Statement, ...] = Field(default=(), description="That took the most time lately.")
    indexes: tuple[Index, ...] = ()
    clients: tuple[Clients, ...] = ()
    health: tuple[TableHealth, ...] = Field(default=(), description="The tables most in need of care first.")
    replicas: tuple[Replica, ...] = ()
    ids: TransactionIds | None = None
    file: DatabaseFile | None = Field(default=None, description="Only of an embedded database.")
    gaps: tuple[str, ...] = Field(default=(), description="What could not be looked at, and why.")

    @property
    def saw_nothing(self) -> bool:
        """Whether it could not be looked into at all; why stands in the gaps."""
        return not self.sessions and self.max_connections is None and self.file is None


class Onset(Value):
    """When a signal first bent away from normal, with the interval it must lie in."""

    at: Instant
    lo: Instant
    hi: Instant


Role = Literal[
    "latency",  # seconds an answer takes, p95 of a histogram
    "errors",  # failed answers: rate or share
    "traffic",  # answers or calls per second
    "saturation",  # how much of something bounded is in use
    "waiting",  # how many queue for it
    "resource",  # CPU, memory, disk, threads
    "work",  # rows read, scans, cache misses, evictions: what a dependency does per second
    "up",  # alive or not, hits or not
    "new_log",  # a message never seen in the calm window
    "log_rate",  # a known message that surged or went quiet
    "change",  # something somebody did
    "call",  # what one service asks of another, as traces show it
    "idle_in_transaction",  # sessions that hold a transaction open and do nothing
    "lock_queue",  # sessions blocked by another session
    "full_scan",  # a statement that reads a whole table to find few rows
    "table_load",  # a table read far more than before
    "connections",  # how many sessions of how many allowed
    "other",
]


class Item(Value):
    """One piece of evidence. `id` is stable within the incident and is what a hypothesis cites."""

    id: str = Field(
        description="m1.. metric, l1.. log, c1.. change, d1.. database, t1.. topology, g1.. gap, k1.. check,"
        " s1.. spans of traces."
    )
    kind: Literal["metric", "log", "change", "database", "topology", "gap", "check", "trace"]
    role: Role = "other"
    entity: str = Field(description="The service, database or third party it speaks of.")
    title: str = Field(max_length=300, description="One line for a tired reader; untrusted text is quoted.")
    onset: Onset | None = None
    direction: Literal["up", "down", "new", "gone", "none"] = "none"
    strength: float = Field(default=0.0, ge=0, description="How far from normal, in robust sigmas.")
    now: float | None = None
    normal: float | None = None
    facts: dict[str, str] = Field(default={}, description="Typed details: metric, table, column, version..")
    ref: str = ""


class Chart(Value):
    """A signal drawn: seconds and values of equal length."""

    item: str
    title: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    onset: float | None = None


class Flag(Value):
    """A named fault of the data: what rests on it is less sure, and missing data is never healthy."""

    kind: Literal["gaps", "resets", "low_counts", "clock_skew", "silent"]
    entity: str
    text: str = Field(max_length=200)


class Bearing(Value):
    """How one entity, or what is between it and a caller, fares: figures of evidence/bearings/features.py."""

    entity: str
    caller: str = ""
    figures: dict[str, float]


class Page(Value):
    """The evidence page: what was looked at, what stood out, in order, and what was not seen."""

    incident: str
    service: str
    window: Window
    baseline: Window
    items: tuple[Item, ...]
    order: tuple[str, ...] = Field(default=(), description="Item ids by onset, earliest first.")
    sequence: tuple[tuple[str, ...], ...] = Field(default=(), description="Each step surely after the last.")
    flags: tuple[Flag, ...] = Field(default=(), description="What is wrong with the data itself.")
    coverage: dict[str, str] = Field(default={}, description="Source -> what was matched, read, left out.")
    gaps: tuple[str, ...] = ()
    measured: tuple[str, ...] = Field(default=("metrics", "logs"), description="Of what anything was seen.")
    charts: tuple[Chart, ...] = ()
    bearings: tuple[Bearing, ...] = Field(default=(), description="Of every entity, what the ranker weighs.")
    arrows: tuple[Bearing, ...] = Field(default=(), description="Of calls both ends measure, the same.")
    seen: tuple[Service, ...] = Field(
        default=(),
        description="Of whom more calls were seen than the configuration says, as the page took them.",
    )
    earlier: tuple[Item, ...] = Field(
        default=(), description="Items of earlier pages of this incident that are no longer seen."
    )

    def item(self, wanted: str) -> Item | None:
        """The item with this id, if there is one."""
        return next((one for one in self.items if one.id == wanted), None)

    def reopened(self, wanted: str) -> Item | None:
        """The item with this id, of this page or of an earlier one of the incident."""
        return self.item(wanted) or next((one for one in self.earlier if one.id == wanted), None)
