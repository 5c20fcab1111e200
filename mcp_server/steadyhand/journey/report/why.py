"""Why was I paged: every message explained, how it stands, and what comes next if nobody answers."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import Field

from steadyhand.journey.alert.silence import Silence, covering
from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.commands import Arm
from steadyhand.journey.escalation.delivery import Receipt
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.report.foresight import Next, foresee
from steadyhand.journey.report.paged import Told, explain
from steadyhand.journey.rule import Value

_DIGITS = 12


class Why(Value):
    """The whole answer about one incident."""

    incident: str
    policy: str = Field(description="The name of the ladder it climbs now.")
    version: str = Field(description="The start of the SHA-256 of the policy as it was frozen.")
    before: tuple[str, ...] = Field(description="What kept its alerts quiet before it opened.")
    told: tuple[Told, ...]
    standing: tuple[str, ...] = Field(description="What keeps anybody from being woken now; empty: nothing.")
    next: tuple[Next, ...]


def why(
    incident: Incident,
    receipts: Sequence[Receipt],
    trail: Sequence[Entry],
    clocks: Sequence[Arm],
    silences: Sequence[Silence],
    now: datetime,
) -> Why:
    """What was told to whom and why, and what comes next."""
    frozen = incident.policy.model_dump_json().encode(errors="surrogatepass")
    return Why(
        incident=incident.id,
        policy=incident.policy.ladder.name,
        version=hashlib.sha256(frozen).hexdigest()[:_DIGITS],
        before=_quiet_before(incident, silences),
        told=explain(incident, receipts, trail),
        standing=(*_standing(incident), *_silenced(incident, silences, now)),
        next=foresee(incident, clocks),
    )


def _standing(incident: Incident) -> tuple[str, ...]:
    until = f" until {incident.quiet_until:%Y-%m-%d %H:%M} UTC" if incident.quiet_until else ""
    found = (
        (incident.status == "resolved", "it is resolved"),
        (incident.recovered_at is not None, "its alerts are over"),
        (bool(incident.acked_by) and not incident.snoozed, f"{incident.acked_by} has it{until}"),
        (incident.snoozed, f"{incident.acked_by} put it off{until}"),
        (
            not incident.policy.treatment.auto_escalate,
            f"a {incident.severity} does not escalate by itself (severity_rules)",
        ),
    )
    return tuple(words for holds, words in found if holds)


def _quiet_before(incident: Incident, silences: Sequence[Silence]) -> tuple[str, ...]:
    """Alerts that fired under a silence and woke somebody once it was over."""
    return tuple(
        f"{one.kind} {one.id} of {one.author} kept {alert.name} on {alert.service} quiet "
        f"until {one.ends_at:%Y-%m-%d %H:%M} UTC: {one.reason}"
        for alert in incident.alerts
        for one in silences
        if one.ends_at <= incident.opened_at and one.covers(alert, max(alert.starts_at, one.starts_at))
    )


def _silenced(incident: Incident, silences: Sequence[Silence], now: datetime) -> tuple[str, ...]:
    """A silence leaves what is open to its people; whoever asks should know that it lasts."""
    found = {one.id: one for alert in incident.alerts if (one := covering(silences, alert, now))}
    return tuple(
        f"{one.kind} {one.id} of {one.author} until {one.ends_at:%Y-%m-%d %H:%M} UTC keeps new incidents of "
        f"{one.words} quiet, not this one: {one.reason}"
        for one in found.values()
    )


def lines(found: Why) -> Iterator[str]:
    """The answer as people read it."""
    yield f"{found.incident} climbs policy {found.policy}, as it was frozen (version {found.version})."
    yield from (f"Before it opened: {one}." for one in found.before)
    for one in found.told:
        yield from _told(one)
    yield ""
    yield from (f"Now: {one}." for one in found.standing)
    yield "If nobody answers:" if found.next else "Nobody is woken next."
    for step in found.next:
        whom = _whom(step.who, step.channel, step.target)
        yield f"  {step.at:%Y-%m-%d %H:%M:%S} UTC: {whom}, {step.step}"


def _whom(who: str, channel: str, target: str) -> str:
    """A contact that is nobody's is its own name."""
    way = f"{channel} {target}"
    return way if who == way else f"{who} by {way}"


def _told(one: Told) -> Iterator[str]:
    yield ""
    whom = _whom(one.who, one.channel, one.target)
    yield f"{one.at:%Y-%m-%d %H:%M:%S} UTC, {one.act} to {whom}: {one.subject}"
    yield f"  because: {one.because}"
    step = ", ".join(part for part in (one.step, f"policy {one.policy}" if one.step else one.policy) if part)
    bundled = f"{one.pages} pages left as one message, this among them" if one.pages > 1 else ""
    facts = (("step", step), ("chosen", one.chosen), ("held", "; ".join(one.held)), ("together", bundled))
    yield from (f"  {name}: {words}" for name, words in facts if words)
    sent = f" at {one.sent_at:%H:%M:%S} UTC" if one.sent_at else ""
    error = f" ({one.error})" if one.error else ""
    yield f"  state: {one.state}{sent}{error}"
