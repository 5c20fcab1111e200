"""What a page says beside the alert, asked for before anybody is woken, and never past the deadline."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from steadyhand.journey.alert.enrichment import (
    Enrichment,
    Level,
    Moment,
    Neighbour,
    Recent,
    Seen,
    instants,
    measured,
    show,
    words,
)
from steadyhand.journey.alert.grouping import neighbours
from steadyhand.journey.alert.impact import Impact, impact
from steadyhand.journey.alert.model import Alert
from steadyhand.journey.evidence.masking import Masker, named, unnumbered
from steadyhand.journey.evidence.model import Window
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.recovery.criteria import assess
from steadyhand.journey.recovery.model import Goal, Reading
from steadyhand.journey.remedy.goals import GoalRule
from steadyhand.ports import SourceError
from steadyhand.responder.alerts.intake import UnknownIncident
from steadyhand.responder.investigation.grading import regrade
from steadyhand.responder.outside import Outside
from steadyhand.store import Timer, Transaction

log = logging.getLogger("steadyhand.enrich")
_MARGIN = timedelta(seconds=0.5)  # for writing it down before the page leaves by itself
_LATE = timedelta(seconds=5)  # when the page has left already, the incident's page still gets it
_MOST = 5
_LONG = 500  # characters of one line of it


async def enrich(outside: Outside, timer: Timer) -> None:
    """Ask, put the answers on the incident's page, and let its pages leave. Raises LedgerError."""
    until = datetime.fromisoformat(timer.payload["until"])
    budget = until - outside.clock.now() - _MARGIN
    incident, known = await asyncio.to_thread(_look, outside, timer.incident)
    found, felt = await _asked(outside, incident, known, budget if budget > timedelta() else _LATE)
    await asyncio.to_thread(_store, outside, timer, found, felt)


async def look_around(outside: Outside, wanted: str) -> Enrichment:
    """The same for whoever opens an incident by hand and wants to read it at once; nothing is written.

    Raises UnknownIncident, LedgerError.
    """
    incident, known = await asyncio.to_thread(_look, outside, wanted)
    found, _ = await _asked(outside, incident, known, outside.rules.enrichment.deadline or _LATE)
    return found


def _look(outside: Outside, wanted: str) -> tuple[Incident, Enrichment]:
    """What the store itself knows: changes, earlier incidents, alerts of the neighbours."""
    now = outside.clock.now()
    with outside.ledger.read() as tx:
        incident = tx.incident(wanted)
        if incident is None:
            raise UnknownIncident(f"there is no incident {wanted}")
        return incident, Enrichment(
            at=now,
            changes=_changes(outside, tx, incident, now),
            before=_before(tx, incident),
            neighbours=tuple(
                _neighbour(outside, tx, incident.service, one) for one in _around(outside, incident)
            ),
        )


def _around(outside: Outside, incident: Incident) -> tuple[str, ...]:
    return neighbours(incident.service, outside.rules.topology)


def _changes(outside: Outside, tx: Transaction, incident: Incident, now: datetime) -> tuple[Recent, ...]:
    window = Window(start=now - outside.rules.enrichment.changes, end=now)
    found = tx.changes((incident.service, *_around(outside, incident)), window)
    return tuple(
        Recent(
            id=one.id,
            service=one.service,
            at=one.started_at,
            words=f"{one.kind} {one.version}: {one.summary}".replace(" :", ":").rstrip(": "),
        )
        for one in list(found)[: -_MOST - 1 : -1]
    )


def _before(tx: Transaction, incident: Incident) -> tuple[Seen, ...]:
    keys = [(one.source, one.dedup_key) for one in incident.alerts]
    return tuple(
        Seen(incident=one.id, opened_at=one.opened_at, note=one.note)
        for one in tx.alike(keys, incident.id, _MOST)
    )


def _neighbour(outside: Outside, tx: Transaction, service: str, other: str) -> Neighbour:
    below = outside.rules.topology.get(service)
    side: Literal["below", "above"] = "below" if below and other in below.depends_on else "above"
    firing = tx.firing_on(other)
    text = f"has {firing} alert{'s' if firing > 1 else ''} firing" if firing else "has no alert firing"
    return Neighbour(service=other, side=side, sick=True if firing else None, words=text)


async def _asked(
    outside: Outside, incident: Incident, known: Enrichment, budget: timedelta
) -> tuple[Enrichment, Impact]:
    """What the metrics say, as far as they say it in time, and what the service's users feel by them."""
    asks = Asks(outside)
    alert = next((one for one in incident.alerts if one.status == "firing"), incident.alerts[0])
    expression, source = _series(outside, alert)
    moments = instants(alert.starts_at, outside.clock.now(), outside.rules.enrichment) if expression else {}
    for when, times in moments.items():
        for at in times:
            asks.ask(when, expression, at, source)
    services = (incident.service, *(one.service for one in known.neighbours))
    goals = {one: outside.rules.goals.get(one, ()) for one in services}
    for service, rules in goals.items():
        for rule in rules:
            asks.ask(f"{service}:{rule.name}", rule.expression, outside.clock.now(), rule.source)
    await asks.within(budget)
    found = known.model_copy(
        update={
            "series": expression,
            "levels": _levels(moments, asks, alert),
            "neighbours": tuple(_health(one, goals[one.service], asks) for one in known.neighbours),
            "gaps": asks.gaps,
            "took_s": round((outside.clock.now() - known.at).total_seconds(), 3),
        }
    )
    own = goals[incident.service]
    return found, impact(_goals(own), _readings(incident.service, own, asks))


def _series(outside: Outside, alert: Alert) -> tuple[str, str]:
    """The alert's own expression, else the first number that users of its service feel; and who knows it."""
    if alert.expression:
        return measured(alert.expression), ""
    rules = outside.rules.goals.get(alert.service, ())
    return (rules[0].expression, rules[0].source) if rules else ("", "")


def _levels(moments: Mapping[Moment, Sequence[datetime]], asks: "Asks", alert: Alert) -> tuple[Level, ...]:
    found = [Level(when=one, samples=tuple(asks.values.get(one, ()))) for one in moments]
    if alert.value is None:
        return tuple(found)
    now = Level(when="now", samples=(alert.value,))
    return (now, *(one for one in found if one.when != "now"))


def _health(one: Neighbour, rules: Sequence[GoalRule], asks: "Asks") -> Neighbour:
    """What its goals say beside its alerts; a goal that was not read says nothing."""
    readings = _readings(one.service, rules, asks)
    values = {reading.name: reading.value for reading in readings}
    found = assess(_goals(rules), readings)
    if found.missed:
        missed = ", ".join(f"{name} is {show(values[name])}" for name in found.missed)
        return one.model_copy(update={"sick": True, "words": f"{one.words}; {missed}"})
    if found.recovered and not one.sick:
        return one.model_copy(update={"sick": False, "words": f"{one.words} and meets its goals"})
    return one


def _goals(rules: Sequence[GoalRule]) -> list[Goal]:
    return [Goal(**rule.model_dump()) for rule in rules]


def _readings(service: str, rules: Sequence[GoalRule], asks: "Asks") -> list[Reading]:
    return [
        Reading(name=rule.name, value=value)
        for rule in rules
        for value in asks.values.get(f"{service}:{rule.name}", ())
    ]


class Asks:
    """Numbers asked for at once; those that do not come in time are gaps."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._pending: list[tuple[str, Callable[[], Awaitable[float | None]]]] = []
        self.values: dict[str, list[float]] = {}
        self._gaps: dict[str, None] = {}

    @property
    def gaps(self) -> tuple[str, ...]:
        """What was not answered, a sentence each."""
        return tuple(self._gaps)

    def ask(self, what: str, expression: str, at: datetime, source: str = "") -> None:
        """One number, of the metric source of this name, else of the first that speaks PromQL."""
        for one in self._outside.numbers(source)[:1]:
            self._pending.append((what, partial(one.value, expression, at)))

    async def within(self, budget: timedelta) -> None:
        """Wait for the answers, no longer than this."""
        if not self._pending:
            return
        tasks = [asyncio.create_task(self._one(what, ask)) for what, ask in self._pending]
        whole = asyncio.create_task(_all(tasks))
        clock = asyncio.create_task(self._outside.clock.sleep(budget))
        await asyncio.wait([whole, clock], return_when=asyncio.FIRST_COMPLETED)
        late = [one for one in tasks if not one.done()]
        if late:
            self._gaps[f"{len(late)} of {len(tasks)} numbers did not come in time"] = None
        for one in (clock, *late):
            one.cancel()
        await asyncio.wait([whole, clock])

    async def _one(self, what: str, ask: Callable[[], Awaitable[float | None]]) -> None:
        try:
            value = await ask()
        except SourceError as error:
            self._gaps[str(error)[:120]] = None
        except Exception as error:  # a bug in one adapter must hold up no page
            log.exception("a number could not be read")
            self._gaps[f"a number could not be read: {type(error).__name__}"] = None
        else:
            if value is not None:
                self.values.setdefault(what, []).append(value)


async def _all(tasks: Sequence["asyncio.Task[None]"]) -> None:
    await asyncio.wait(tasks)


def _store(outside: Outside, timer: Timer, found: Enrichment, felt: Impact) -> None:
    """How bad it is by what is measured is settled first: then its pages leave, under that severity."""
    until, now = datetime.fromisoformat(timer.payload["until"]), outside.clock.now()
    with outside.ledger.write() as tx:
        tx.finish(timer)
        incident = tx.incident(timer.incident)
        if incident is None:
            raise UnknownIncident(f"there is no incident {timer.incident}")
        incident = regrade(outside, tx, incident, felt, now)
        found = _hidden(tx, incident.id, found)
        tx.put("enrichment", f"{incident.id}:{incident.episode}", incident.id, found, now)
        tx.release_pages(incident.id, words(found), until, now)


def _hidden(tx: Transaction, incident: str, found: Enrichment) -> Enrichment:
    """What others wrote, as it may go to phones: secrets masked, with this incident's placeholders."""
    masker = Masker()
    safe = found.model_copy(
        update={
            "changes": tuple(
                one.model_copy(update={"words": masker.text(one.words, _LONG, commits=True)})
                for one in found.changes
            ),
            "before": tuple(unnumbered(one) for one in found.before),
            "gaps": tuple(masker.text(one, _LONG) for one in found.gaps),
        }
    )
    return named(safe, tx.vault.name(incident, masker.found)) if masker.found else safe
