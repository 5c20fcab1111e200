"""Silences and maintenance windows: who set them, and what still fires when they end."""

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

from steadyhand.journey.alert.silence import FIELDS, Matcher, Silence
from steadyhand.journey.alert.tracking import calm
from steadyhand.journey.commands import Arm, Record
from steadyhand.ports import SteadyhandError
from steadyhand.responder.alerts.intake import Round
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer, Transaction

_NAMED = 8


class UnknownSilence(SteadyhandError):
    """There is no such silence, or it is over."""


def silences(outside: Outside) -> Sequence[Silence]:
    """Those that last or are to come, the first to end first. Raises LedgerError."""
    with outside.ledger.read() as tx:
        return tx.silences(outside.clock.now())


def keep_quiet(outside: Outside, silence: Silence, via: str) -> Silence:
    """From its start to its end no alert that it matches opens an incident. Raises LedgerError."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        tx.keep_silence(silence)
        tx.arm("", Arm(kind="unsilence", key=f"silence:{silence.id}", due_at=silence.ends_at))
        tx.record("", _record(f"{silence.kind}.set", silence, silence.author, via), now)
    return silence


def doubts(outside: Outside, silence: Silence) -> Sequence[str]:
    """What it names that is not known, a sentence each: a slip quiets nothing. Raises LedgerError."""
    with outside.ledger.read() as tx:
        found = (_doubt(outside, tx, one) for one in silence.matchers if one.op == "=")
        return [one for one in found if one]


def _doubt(outside: Outside, tx: Transaction, one: Matcher) -> str:
    if one.name == "service":
        known = [service.name for service in outside.rules.services]
        if any(one.fits(name) for name in known) or tx.firing_on(one.value):
            return ""
        near = get_close_matches(one.value, known, 1) or known[:_NAMED]
        listed = f"; there is {', '.join(near)}" if near else ""
        return f"no service is known as {one.value!r}{listed}"
    if one.is_field or tx.label_seen(one.name):
        return ""
    return f"no alert so far had a label {one.name!r}; fields are {', '.join(FIELDS)}"


def end_quiet(outside: Outside, wanted: str, by: str, via: str) -> Silence:
    """End it now: what still fires pages. Raises UnknownSilence, LedgerError."""
    now = outside.clock.now()
    with outside.ledger.write() as tx:
        silence = tx.silence(wanted)
        if silence is None or silence.ends_at <= now:
            raise UnknownSilence(
                f"no silence {wanted} lasts or is to come; `steadyhand silence list` shows them"
            )
        over = silence.model_copy(update={"ends_at": now, "starts_at": min(silence.starts_at, now)})
        tx.keep_silence(over)
        tx.arm("", Arm(kind="unsilence", key=f"silence:{wanted}", due_at=now))
        tx.record("", _record(f"{silence.kind}.ended", silence, by, via), now)
    return over


def _record(action: str, silence: Silence, by: str, via: str) -> Record:
    body = {
        "id": silence.id,
        "matches": silence.words,
        "from": silence.starts_at.isoformat(),
        "to": silence.ends_at.isoformat(),
        "reason": silence.reason,
    }
    return Record(action=action, actor=by, actor_kind="human", via=via, body=body)


def for_services(services: Sequence[str]) -> tuple[Matcher, ...]:
    """What matches alerts of one service, or of a pattern of names."""
    return tuple(Matcher(name="service", value=one) for one in services)


def unsilence(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """It has ended: whatever it kept quiet and still fires is taken as if it came in now."""
    wanted = timer.key.removeprefix("silence:")
    silence = tx.silence(wanted)
    if silence is not None and silence.ends_at > now:
        return  # it was prolonged; a timer of its own waits for that
    round_ = Round(outside, tx, now)
    quiet = tx.silenced(wanted)
    for one in quiet:
        round_.admit(one)
    round_.finish()
    body = {"id": wanted, "still_firing": str(sum(one.counts for one in quiet))}
    tx.record("", Record(action="silence.over", body=body), now)


def calm_down(outside: Outside, tx: Transaction, timer: Timer, now: datetime) -> None:
    """An alert has not changed for a while: it flaps no more, and its last word counts."""
    key = timer.payload["source"], timer.payload["dedup_key"]
    track = tx.tracks([key]).get(key)
    if track is None or not track.flapping:
        return
    after = calm(track, now, outside.rules.alerts)
    if after.flapping:
        return  # it changed again: a later timer waits for that
    round_ = Round(outside, tx, now)
    round_.settle(after)
    round_.finish()
