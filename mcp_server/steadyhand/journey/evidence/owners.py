"""Which thing of the topology a series speaks of."""

import re
from collections.abc import Mapping
from functools import lru_cache

from steadyhand.journey.topology import Topology

_SELECTOR = re.compile(r"\s*(?P<name>[A-Za-z_:][\w:]*)?\s*(?:\{(?P<body>.*)\})?\s*")
_MATCHER = re.compile(r"""([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*["']((?:[^"'\\]|\\.)*)["']""")
OWNER_LABELS = ("service", "service_name", "app", "application", "job")


@lru_cache(maxsize=512)
def _parsed(selector: str) -> tuple[tuple[str, str, str], ...]:
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        return ()
    named = (("__name__", "=", match["name"]),) if match["name"] else ()
    return named + tuple(_MATCHER.findall(match["body"] or ""))


def _fits(matcher: tuple[str, str, str], labels: Mapping[str, str]) -> bool:
    label, operator, wanted = matcher
    value = labels.get(label, "")
    same = re.fullmatch(wanted, value) is not None if "~" in operator else value == wanted
    return same is not operator.startswith("!")


def owner(name: str, labels: Mapping[str, str], topology: Topology, default: str) -> str:
    """The service whose selector fits best, else whose name labels or metric carry, else `default`."""
    given = {**labels, "__name__": name}
    fitting = [
        (len(parsed), service.name)
        for service in topology.services
        for parsed in map(_parsed, service.metrics)
        if parsed and all(_fits(one, given) for one in parsed)
    ]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    known = {service.name for service in topology.services}
    claims = (*(labels.get(one, "") for one in OWNER_LABELS), name.split("_", 1)[0])
    return next((one for one in claims if one in known), default)
