"""What kept a message back, or took it back: quiet hours, a wish to say more, the throttle, a channel."""

from datetime import UTC, datetime, timedelta

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.escalation.delivery import Receipt
from steadyhand.journey.escalation.ladder import LENIENT
from steadyhand.journey.incident.state import Incident

_WAITS_FOR_MORE = ("incident.opened", "severity.changed")
_COURTESY = ("note", "acknowledged", "resolved")


def at_of(entry: Entry) -> datetime:
    """When a line of the trail was written."""
    return datetime.fromtimestamp(entry.ts / 1000, tz=UTC)


def held(incident: Incident, receipt: Receipt, start: Entry | None) -> tuple[str, ...]:
    """All that kept it back; `start` is the line that called its step, for the step's first messages."""
    quiet = _quiet(incident, receipt)
    more = _for_more(receipt, start) if start is not None and not quiet else ""
    found = (quiet, more, _throttled(receipt), _retried(receipt), _taken_back(receipt))
    return tuple(one for one in found if one)


def _quiet(incident: Incident, receipt: Receipt) -> str:
    quiet, queued = incident.policy.ladder.quiet_hours, receipt.queued_at
    if quiet is None or receipt.severity not in LENIENT:
        return ""
    ended = quiet.over(queued - timedelta(seconds=1)) == queued
    return f"quiet hours until {queued:%a %H:%M} UTC" if ended else ""


def _for_more(receipt: Receipt, start: Entry) -> str:
    """The first page waits a moment for what is measured at once; it leaves as soon as that is known."""
    if start.action not in _WAITS_FOR_MORE or receipt.queued_at <= at_of(start):
        return ""
    waited = round((receipt.queued_at - at_of(start)).total_seconds())
    return f"{waited} s, so that it could say more (enrichment)" if waited else ""


def _throttled(receipt: Receipt) -> str:
    """A page that waits counts no try, so that one without a second try was moved by the throttle alone."""
    waits = receipt.attempts <= 1 and receipt.due_at > receipt.queued_at
    return f"throttle until {receipt.due_at:%H:%M:%S} UTC: that telephone had just rung" if waits else ""


def _retried(receipt: Receipt) -> str:
    return f"tried {receipt.attempts} times" if receipt.attempts > 1 else ""


def _taken_back(receipt: Receipt) -> str:
    if receipt.state != "cancelled":
        return ""
    courtesy = receipt.act in _COURTESY
    return "left out: its channel does not carry this" if courtesy else "taken back before it left"
