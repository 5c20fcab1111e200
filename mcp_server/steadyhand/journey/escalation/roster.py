"""Everybody who can be told, put into a ladder: only those it names, as they are at that moment."""

from steadyhand.journey.escalation.contact import NamedPerson, OnSchedule
from steadyhand.journey.escalation.handmade import CoveredSchedule
from steadyhand.journey.escalation.ladder import Ladder
from steadyhand.journey.escalation.people import PersonRule
from steadyhand.journey.escalation.schedule import Schedule


def staffed(ladder: Ladder, people: tuple[PersonRule, ...], schedules: tuple[CoveredSchedule, ...]) -> Ladder:
    """The ladder with the people and schedules it names: what a running incident keeps of them."""
    targets = [one for tier in ladder.tiers for one in tier.contacts] + list(ladder.last_resort)
    wanted = {one.schedule for one in targets if isinstance(one, OnSchedule)}
    plans = tuple(one for one in schedules if one.name in wanted)
    names = {one.person for one in targets if isinstance(one, NamedPerson)}
    names |= {person for one in plans for person in one.people}
    update = {"people": tuple(one for one in people if one.name in names), "schedules": plans}
    return ladder.model_copy(update=update)


def unknown_names(
    ladder: Ladder, people: tuple[PersonRule, ...], schedules: tuple[Schedule, ...]
) -> list[str]:
    """Names in tiers and schedules that stand for nobody, each with its place."""
    known, plans = {one.name for one in people}, {one.name for one in schedules}
    targets = [(tier.name, one) for tier in ladder.tiers for one in tier.contacts]
    targets += [("last_resort", one) for one in ladder.last_resort]
    found = []
    for where, one in targets:
        if isinstance(one, NamedPerson) and one.person not in known:
            found.append(f"{where} names {one.person!r}, who is not under people")
        if isinstance(one, OnSchedule) and one.schedule not in plans:
            found.append(f"{where} names {one.schedule!r}, which is not under schedules")
    return found
