"""What a metric speaks of, told from the words in its name and labels."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from steadyhand.journey.evidence.model import Role

Bad = Literal["up", "down", "both"]

REPLICA_LABELS = frozenset(
    {
        "instance",
        "pod",
        "replica",
        "container",
        "host",
        "hostname",
        "node",
        "server",
        "cpu",
        "pid",
        "endpoint",
        "id",
    }
)
HOST_LABELS = ("node", "nodename", "kubernetes_node", "k8s_node_name", "host", "hostname", "instance")
"""By which a series about a host says whose it is, the surest first."""

_OF_A_HOST = re.compile(r"(?:node|windows|kube_node|machine)_.+")
OUTCOME_LABELS = frozenset(
    {
        "code",
        "status",
        "status_code",
        "http_status",
        "response_code",
        "response_code_class",
        "outcome",
        "grpc_code",
        "result",
    }
)
TARGET_LABELS = ("target", "upstream", "db", "dependency", "peer", "remote", "backend")
STATE_LABELS = ("state", "status", "phase")

_FAILED = re.compile(
    r"5(?:\d\d|xx)?|.*(?:time_?out|error|fail|exception|unavailable|internal|unknown|deadline|abort|reject).*",
    re.IGNORECASE,
)
_HIT = frozenset({"hit", "hits"})
_SKIPPED = re.compile(
    r"ALERTS|ALERTS_FOR_STATE|.*_(?:info|created)|.*(?:start_time|timestamp).*|scrape_.*|promhttp_.*|.*_virtual_memory_.*"
)


def word_set(text: str) -> frozenset[str]:
    """The words of this text."""
    return frozenset(text.split())


_LIMIT_WORDS = word_set("max limit capacity maximum quota size")
_SPARE_WORDS = word_set("idle free available spare min")
_ALIVE_WORDS = word_set("up ready running healthy alive")
_SCARCE_WORDS = word_set("avail available free remaining headroom")
_EVENT_WORDS = word_set(
    "tup tuples rows scan scans read reads hits misses evicted evictions calls commits rollbacks"
    " fetched inserted fail failed failures errors timeout timeouts retry retries reset destroy eject"
    " rejected cancelled success"
    " rq cx xx tx rx sent received"
)
_ERROR_WORDS = word_set(
    "error errors fail failed failure failures timeout timeouts exception exceptions rejected dropped 5xx"
    " refused aborted restarts oom deadlocks"
)
_WAIT_WORDS = word_set("waiting waiters wait waits queue queued pending backlog blocked lag oldest longest")
_WORK_WORDS = word_set(
    "tup tuples rows row scan scans miss misses evict evicted evictions reads read fetched fetch io"
)
_RESOURCE_WORDS = word_set(
    "cpu memory mem rss resident heap disk filesystem fds fd threads load load1 load5 gc goroutines entries"
    " bytes swap"
)
_USE_WORDS = word_set(
    "use used active busy inflight flight open connections connection sessions pool utilization"
    " utilisation usage occupied idle"
)
_BY_WORD: tuple[tuple[Role, frozenset[str]], ...] = (
    ("up", _ALIVE_WORDS),
    ("errors", _ERROR_WORDS),
    ("waiting", _WAIT_WORDS),
    ("work", _WORK_WORDS),
    ("latency", word_set("duration latency rtt elapsed response")),
    ("resource", _RESOURCE_WORDS),
    ("saturation", _USE_WORDS),
)


@lru_cache(maxsize=4_096)
def words(name: str) -> frozenset[str]:
    """The lower-case words of a metric's name."""
    return frozenset(re.split(r"[_:.\-/]+", name.lower()))


@lru_cache(maxsize=4_096)
def skipped(name: str) -> bool:
    """Whether it says nothing that can be sick: build facts, time stamps, address space, alerts."""
    return _SKIPPED.fullmatch(name) is not None


@lru_cache(maxsize=4_096)
def _of_a_host(name: str) -> bool:
    return _OF_A_HOST.fullmatch(name) is not None


def host_label(name: str, labels: Mapping[str, str]) -> str:
    """The label that tells which host this is about; empty unless it is of an exporter of hosts.

    The node exporter's, the one for Windows, cAdvisor's of the machine, and what Kubernetes says of nodes.
    """
    if not _of_a_host(name):
        return ""
    return next((one for one in HOST_LABELS if labels.get(one)), "")


def failed(outcome: str) -> bool:
    """Whether an outcome or code label speaks of a failed answer: 5xx, timeout, error."""
    return _FAILED.fullmatch(outcome) is not None


def is_hit(outcome: str) -> bool:
    """Whether a result label speaks of a cache hit."""
    return outcome.lower() in _HIT


def is_event(name: str) -> bool:
    """Whether a name without `_total` still speaks of events that can only add up."""
    return bool(words(name) & _EVENT_WORDS)


def state_of(labels: Mapping[str, str]) -> str:
    """The state label's value in lower case, if there is one."""
    return next((labels[one].lower() for one in STATE_LABELS if one in labels), "")


def is_limit(name: str, labels: Mapping[str, str]) -> bool:
    """Whether a gauge is a configured bound and no measurement."""
    return state_of(labels) in _LIMIT_WORDS or bool(words(name) & _LIMIT_WORDS)


def is_spare(labels: Mapping[str, str]) -> bool:
    """Whether it only mirrors another state or mode: idle against in use."""
    return state_of(labels) in _SPARE_WORDS or labels.get("mode", "").lower() in _SPARE_WORDS


def gauge_role(name: str, labels: Mapping[str, str]) -> Role:
    """The role of a value that may go up and down."""
    state = state_of(labels)
    if is_limit(name, labels):
        return "other"
    if state:
        return "up" if state in _ALIVE_WORDS else "saturation"
    known = words(name)
    return next((role for role, hints in _BY_WORD if known & hints), "other")


def counter_role(name: str) -> Role:
    """The role of a rate per second."""
    known = words(name)
    if known & _ERROR_WORDS:
        return "errors"
    if "cpu" in known:
        return "resource"
    if "gc" in known:
        return "other"
    return "work" if known & _WORK_WORDS else "traffic"


def unit_of(name: str) -> str:
    """The unit its name declares; empty for plain counts."""
    known = words(name)
    if "bytes" in known:
        return "B"
    if "seconds" in known:
        return "s"
    return ""


def bad_direction(role: Role, name: str) -> Bad:
    """In which direction a signal of this role is worth a look."""
    if role in {"traffic", "other"}:
        return "both"
    if role == "up" or (role == "resource" and words(name) & _SCARCE_WORDS):
        return "down"
    return "up"
