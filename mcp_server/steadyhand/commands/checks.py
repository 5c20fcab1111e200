"""`steadyhand check`: what would tell the causes apart, and what somebody saw who looked."""

import sys
from collections.abc import Mapping
from typing import Any

from steadyhand.adapters.channels.terminal import plain
from steadyhand.commands.answers import Door, newest_open
from steadyhand.ports import ConfigError


def list_checks(incident: str, name: str) -> int:
    """Each cause with its numbered checks, and what was told of them so far."""
    door = Door(name)
    found = _diagnosis(door, incident or newest_open(door))
    for one in found["hypotheses"]:
        cause = one["cause"]
        _line(f"{one['id']} {one['confidence']:.0%} {cause['fault_class']} of {cause['entity']}")
        for number, check in enumerate(one["checks"], start=1):
            _line(f"{number}. {check['name']}: {check['look_at']}", 2)
            _line(f"if true: {check['expect_if_true']}; if false: {check['expect_if_false']}", 5)
            for told in found["checked"]:
                if (told["hypothesis"], told["check"]) == (one["id"], check["name"]):
                    _line(f"{told['by']}: {told['outcome'].replace('_', ' ')}, {told['seen']!r}", 5)
    _line(f"{found['none_of_these']:.0%} none of these")
    return 0


def say(incident: str, name: str, hypothesis: str, number: int, seen: Mapping[str, str]) -> int:
    """What a check showed; prints what that did to the ranking. Raises ConfigError for an unknown check."""
    door = Door(name)
    wanted = incident or newest_open(door)
    known = {one["id"]: one["checks"] for one in _diagnosis(door, wanted)["hypotheses"]}
    checks = known.get(hypothesis, [])
    if not 1 <= number <= len(checks):
        raise ConfigError(f"{hypothesis} has {len(checks)} checks; `steadyhand check {wanted}` lists them")
    words = seen["seen"] or input("What did you see? ").strip()
    body = {**seen, "seen": words, "hypothesis": hypothesis, "check": checks[number - 1]["name"]}
    for line in door.post(f"/api/incidents/{wanted}/checks", body)["did"]:
        _line(line)
    return 0


def _diagnosis(door: Door, incident: str) -> Any:  # noqa: ANN401 - JSON
    found = door.get(f"/api/incidents/{incident}")["diagnosis"]
    if found is None:
        raise ConfigError(f"{incident} has no ranking yet; its evidence is still being read")
    return found


def _line(text: str, indent: int = 0) -> None:
    sys.stdout.write(f"{' ' * indent}{plain(text)}\n")
