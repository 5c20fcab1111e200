"""Which incident a new alert belongs to."""

from collections.abc import Sequence
from datetime import datetime

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.rule import AlertRule
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.topology import Topology


def neighbours(service: str, topology: Topology) -> tuple[str, ...]:
    """The services one step away: those it depends on, then those that depend on it."""
    own = topology.get(service)
    below = own.depends_on if own else ()
    return tuple(dict.fromkeys((*below, *topology.callers(service))))


def home(
    alert: Alert, known: Sequence[Incident], topology: Topology, rule: AlertRule, now: datetime
) -> Incident | None:
    """The incident of `known` that a new alert joins, or None where it opens one.

    An incident of the service itself first, then one of a neighbour; of several the one that grew last. One
    that is resolved takes back only its own service, within its relapse time.
    """
    near = neighbours(alert.service, topology)
    fitting = [
        (rank, one.grown, one)
        for one in known
        if (rank := _rank(one, alert, near)) and _takes(one, rank, rule, now)
    ]
    return max(fitting, key=lambda found: (found[0], found[1], found[2].id), default=(0, now, None))[2]


def _rank(incident: Incident, alert: Alert, near: Sequence[str]) -> int:
    """2 for the same service, 1 for one step away, 0 for neither."""
    if alert.service in incident.services:
        return 2
    return int(any(one in near for one in incident.services))


def _takes(incident: Incident, rank: int, rule: AlertRule, now: datetime) -> bool:
    if incident.status == "resolved":
        over = incident.milestones.get("resolved", incident.opened_at)
        return rank > 1 and now - over <= incident.policy.relapse
    return now - incident.grown <= rule.group_within
