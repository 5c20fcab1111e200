"""`steadyhand approve` and its kin: a signed-in person's answers, sent to the running service."""

import getpass
import json
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx2

from steadyhand.adapters.channels.terminal import plain
from steadyhand.config import home
from steadyhand.journey.incident.state import Incident
from steadyhand.journey.rollout.planning import Sight
from steadyhand.journey.rollout.words import foresee
from steadyhand.journey.rule import parse_duration
from steadyhand.ports import ConfigError, SourceRefused, SourceUnavailable

_DEADLINE_S = 10.0
_EVERY_S = 1.0
_PATHS = {"ack": "ack", "abort": "abort", "close": "close", "promote": "promote"}


class Door:
    """The running service's JSON door, opened with a name and a PIN."""

    def __init__(self, name: str) -> None:
        if not sys.stdin.isatty():
            raise ConfigError("a PIN is typed at a terminal, by a person; there is none here")
        self._name = name or input("Your name: ").strip()
        self._pin = getpass.getpass("PIN: ")

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """GET an answer. Raises SourceUnavailable, SourceRefused."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """POST an answer. Raises SourceUnavailable, SourceRefused."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:  # noqa: ANN401 - JSON
        return _call(method, path, json=body, auth=(self._name, self._pin)).json()


def _call(method: str, path: str, **given: Any) -> httpx2.Response:  # noqa: ANN401 - what httpx2 takes
    url = service_url() + path
    try:
        answer = httpx2.request(method, url, timeout=_DEADLINE_S, trust_env=False, **given)
    except httpx2.TransportError as error:
        raise SourceUnavailable(
            url, f"the service does not answer ({error}); it is started by: steadyhand serve"
        ) from error
    if not answer.is_success:
        raise SourceRefused("service", _why(answer))
    return answer


def _why(answer: httpx2.Response) -> str:
    try:
        return str(answer.json().get("error", answer.text))
    except ValueError:
        return answer.text[:200]


def service_url() -> str:
    """Where the service said it listens. Raises ConfigError when none has started."""
    path = home() / "service.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"no service runs ({path} tells nothing); start one: steadyhand serve") from error


def show(name: str) -> int:
    """List incidents."""
    for one in Door(name).get("/api/incidents")["incidents"]:
        line = f"{one['id']} {one['severity']} {one['status']} {one['service']}: {one['title']}"
        sys.stdout.write(f"{plain(line)}\n")
    return 0


def answer(verb: str, incident: str, name: str, reason: str, judged: Mapping[str, str] | None = None) -> int:
    """Acknowledge, approve, reject, abort or close an incident; `judged` says what a closed one was."""
    door = Door(name)
    wanted = incident or newest_open(door)
    if verb == "promote" and not reason:
        reason = input("Why without proof? ").strip()
    if verb in _PATHS:
        after = door.post(
            f"/api/incidents/{wanted}/{_PATHS[verb]}", {"why": reason or "asked from the terminal"}
        )
        sys.stdout.write(f"{verb}: {wanted}{_still_rings(after) if verb == 'ack' else ''}\n")
        if judged:
            body = {key: value for key, value in judged.items() if value}
            door.post(f"/api/incidents/{wanted}/judgement", body)
            sys.stdout.write(f"remembered as {judged['verdict']}\n")
        return 0
    return _decide(door, verb, wanted, reason)


def _still_rings(after: object) -> str:
    """What is missing where a tier wants more than one to have it."""
    incident = Incident.model_validate(after)
    if incident.acked_by or not incident.acks:
        return ""
    needed = incident.policy.ladder.tier(incident.rung).acknowledgements
    return f" ({len(incident.acks)} of {needed} have it: the others are still rung)"


def widen(share: str, incident: str, name: str) -> int:
    """Give the canary more traffic, to see more."""
    door = Door(name)
    wanted = incident or newest_open(door)
    after = door.post(f"/api/incidents/{wanted}/widen", {"share": share})
    sys.stdout.write(f"{plain(after['reason'])}\n")
    return 0


def watch(incident: str, name: str) -> int:
    """One line a second of what the rollout does, until it is over; 0 when it was verified, else 1.

    A service that does not answer for a moment, as while it restarts, is said and asked again.
    """
    door = Door(name)
    wanted = incident or newest_open(door)
    while True:
        try:
            seen = door.get(f"/api/incidents/{wanted}/rollout")
        except SourceUnavailable as error:
            sys.stdout.write(f"{error}\n")
        else:
            sys.stdout.write(f"{datetime.now():%H:%M:%S} {plain(seen['line'])}\n")  # noqa: DTZ005, TID251 - for eyes
            if seen["over"]:
                sys.stdout.write(f"{plain(seen['reason'])}\n")
                return 0 if seen["phase"] == "verified" else 1
        sys.stdout.flush()
        time.sleep(_EVERY_S)


def grade(severity: str, incident: str, name: str, reason: str) -> int:
    """Give an incident another severity."""
    door = Door(name)
    wanted = incident or newest_open(door)
    why = reason or input("Why? ").strip()
    after = door.post(f"/api/incidents/{wanted}/severity", {"severity": severity, "why": why})
    sys.stdout.write(f"{wanted} is {after['severity']}\n")
    return 0


def hand(verb: str, to: str, incident: str, name: str) -> int:
    """Snooze for a span, give to a person, or delegate the open question to an approver."""
    if verb == "snooze":
        _check_span(to)
    door = Door(name)
    wanted = incident or newest_open(door)
    if verb == "delegate":
        plan = door.get(f"/api/incidents/{wanted}").get("plan")
        if not plan:
            raise ConfigError(f"{wanted} has no plan in question")
        door.post(f"/api/plans/{plan['id']}/delegate", {"to": to})
    else:
        door.post(f"/api/incidents/{wanted}/{verb}", {"span" if verb == "snooze" else "to": to})
    sys.stdout.write(f"{verb}: {wanted} {to}\n")
    return 0


def _check_span(text: str) -> None:
    """Before a PIN is asked for. Raises ConfigError."""
    try:
        parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"SPAN: {error}") from None


def _decide(door: Door, verb: str, incident: str, reason: str) -> int:
    view = door.get(f"/api/incidents/{incident}")
    plan = view.get("plan")
    if not plan:
        raise ConfigError(f"{incident} has no plan in question")
    fix = plan["fix"]
    sys.stdout.write(
        f"{plan['id']}: {plain(fix['title'])}\n  does: {json.dumps(fix['action'])}\n"
        f"  risk {fix['risk']}: {plain(fix['why_this_risk'])}\n"
        f"  way back: {json.dumps(fix['rollback'])}\n{_foreseen(plan)}{_refused(view)}"
        f"  digest {view['digest']}\n"
    )
    if verb == "reject" and not reason:
        reason = input("Why not? ").strip()
    if verb == "approve" and input("Type yes to approve exactly this plan: ").strip() != "yes":
        sys.stdout.write("Nothing was approved.\n")
        return 1
    body = {"digest": view["digest"], "answer": verb, "reason": reason}
    door.post(f"/api/plans/{plan['id']}/decision", body)
    sys.stdout.write(f"{verb}: {plan['id']}\n")
    return 0


def _refused(view: Any) -> str:  # noqa: ANN401 - JSON
    """What engineers said who refused such a fix before."""
    return "".join(f"  refused before: {plain(one)}\n" for one in view["refusals"])


def _foreseen(plan: Any) -> str:  # noqa: ANN401 - JSON
    """What the canary can see at today's traffic, where there is one."""
    if not plan["fix"]["canaryable"]:
        return ""
    sight = plan.get("sight")
    return f"  canary: {' '.join(foresee(Sight.model_validate(sight) if sight else None))}\n"


def newest_open(door: Door) -> str:
    """The id of the newest open incident. Raises ConfigError when none is open."""
    for one in door.get("/api/incidents")["incidents"]:
        if one["status"] != "resolved":
            return str(one["id"])
    raise ConfigError("no incident is open")


def alerts(incident: str, name: str) -> int:
    """Show the posts that told of an incident's alerts, newest first, cut."""
    for one in Door(name).get(f"/api/incidents/{incident}/alerts")["posts"]:
        at = f"{datetime.fromisoformat(one['at']):%Y-%m-%d %H:%M:%S} UTC"
        sys.stdout.write(f"{at}, {plain(one['source'])}, {one['size']} bytes\n  {plain(one['raw'])}\n")
    return 0


def alert(service: str, title: str, severity: str, given: dict[str, str]) -> int:
    """Post an alert as a monitoring tool would, with the ingest token of this host; "" is not sent."""
    service_url()  # without a service there is no token either: say the first thing first
    token = (home() / "ingest.token").read_text(encoding="ascii").strip()
    whole = {"title": title, "service": service, "severity": severity, **given}
    body = {name: value for name, value in whole.items() if value}
    headers = {"authorization": f"Bearer {token}", "prefer": "wait=5"}  # whose it became is worth waiting for
    found = _call("POST", "/alerts/terminal", json=body, headers=headers)
    sys.stdout.write(found.text + "\n")
    return 0
