"""What an older release wrote about an incident, read as it was meant then.

An incident keeps the policy it opened with, in the words of the release that opened it. `MACHINE` counts the
meanings those words have had; who changes what stored state means adds one, and a function that says the old
meaning in the new words. So neither an edited configuration nor a new release re-interprets what is pending.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from steadyhand.journey.incident.state import Incident, Policy

MACHINE = 3
_POLICY = ',"policy":{"ladder":'  # so it begins; no text of a state holds this, for quotes are escaped there
State = dict[str, Any]


class NewerMachine(ValueError):
    """A newer release wrote it: this one cannot know what it means."""


def read_incident(text: str, machine: int) -> Incident:
    """The incident in this JSON, written by this machine. Raises NewerMachine."""
    if machine == MACHINE:
        return _read(text)
    state: State = json.loads(text)
    if machine > MACHINE:
        name = state.get("id", "of an unknown id")
        raise NewerMachine(f"incident {name} was written by a newer release of Steadyhand; it is left alone")
    for step in range(machine, MACHINE):
        state = UPGRADES[step](state)
    return Incident.model_validate(state)


def _read(text: str) -> Incident:
    """The policy is most of it, and the same in very many: it is read once."""
    before, found, after = text.partition(_POLICY)
    if not found:
        return Incident.model_validate_json(text)
    policy = _read_policy(f'{{"ladder":{after[:-1]}')
    return Incident.model_validate_json(f'{before},"policy":null}}', context=policy)


@lru_cache(maxsize=64)
def _read_policy(text: str) -> Policy:
    return Policy.model_validate_json(text)


def _from_1(state: State) -> State:
    """The first release told the last tier `repeat` times more; since then `repeat` means the whole ladder.

    Each of its rungs becomes a tier, and the very last one the last resort.
    """
    policy = state["policy"]
    tiers, repeat = policy["ladder"]["tiers"], policy["ladder"].get("repeat", 3)
    rungs = [*tiers, *tiers[-1:] * repeat]
    ladder = {"tiers": rungs[:-1] or rungs, "repeat": 0, "last_resort": rungs[-1]["contacts"]}
    treatment = policy["treatment"]
    if len(rungs) == 1:
        treatment = {**treatment, "auto_escalate": False}  # there was nobody else to tell
    return {**state, "policy": {**policy, "ladder": ladder, "treatment": treatment}}


def _from_2(state: State) -> State:
    """Nobody could change a shift by hand; none changed is what is assumed where none is named."""
    return state


UPGRADES: Mapping[int, Callable[[State], State]] = {1: _from_1, 2: _from_2}
