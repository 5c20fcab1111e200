"""incidents, approve, ack, severity, alert and their like: what a person says about an incident."""

import argparse
import re

from steadyhand.commands.grammar import Add, on_an_incident, signed
from steadyhand.commands.grammar.memory import said, said_of_a_cause

SEVERITIES = ("SEV1", "SEV2", "SEV3", "SEV4")


def declare(add: Add) -> None:
    """What a person says about an incident."""
    signed(add("incidents", "List incidents and where each stands.", _incidents))
    for family in (_add_evidence, _add_answers, _add_checks, _add_alerts, _add_hands, _add_rollouts):
        family(add)


def _incidents(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import show

    return show(args.person)


def _add_evidence(add: Add) -> None:
    one = add("evidence", "Show what changed, when and in what order, and what was not seen.", _evidence)
    on_an_incident(one)
    one.add_argument("--item", default="", help="open this one, like m1")
    one.add_argument("--json", action="store_true", help="the page, or the item, as JSON")


def _evidence(args: argparse.Namespace) -> int:
    from steadyhand.commands.evidence import show

    return show(args.id, args.person, args.item, as_json=args.json)


def _add_answers(add: Add) -> None:
    for name, help_text in (
        ("approve", "Say yes to a plan, with your PIN."),
        ("reject", "Say no to a plan, with your PIN and a reason."),
        ("ack", "Say that you have an incident."),
        ("abort", "Take a rollout back now."),
        (
            "promote",
            "Give an undecided fix all traffic without proof; only in a SEV1, with a reason.",
        ),
        ("close", "Close an incident by hand."),
    ):
        one = add(name, help_text, _answer)
        one.set_defaults(verb=name)
        on_an_incident(one)
        one.add_argument("--reason", default="")
        if name == "close":
            one.add_argument(
                "--was", choices=("confirmed", "other", "unknown"), help="what it was, as `judge` says"
            )
            said_of_a_cause(one)
    severity = add("severity", "Say how bad an incident is, with your PIN and a reason.", _severity)
    severity.add_argument("severity", choices=SEVERITIES)
    on_an_incident(severity)
    severity.add_argument("--reason", default="", help="asked for where not given")


def _add_checks(add: Add) -> None:
    one = add("check", "List what would tell the causes apart, or say with your PIN what you saw.", _check)
    on_an_incident(one)
    one.add_argument("--hypothesis", default="", help="like h1; without it, the checks are listed")
    one.add_argument("--number", type=int, default=1, help="which of its checks, as listed")
    one.add_argument("--saw", default="", help="what you saw, in a sentence")
    outcomes = ("as_if_true", "as_if_false", "unclear")
    one.add_argument("--outcome", choices=outcomes, default="unclear", help="what that speaks for")


def _check(args: argparse.Namespace) -> int:
    from steadyhand.commands.checks import list_checks, say

    if not args.hypothesis:
        return list_checks(args.id, args.person)
    return say(
        args.id, args.person, args.hypothesis, args.number, {"outcome": args.outcome, "seen": args.saw}
    )


def _answer(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import answer

    judged = {"verdict": args.was, **said(args)} if getattr(args, "was", None) else None
    return answer(args.verb, args.id, args.person, args.reason, judged)


def _severity(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import grade

    return grade(args.severity, args.id, args.person, args.reason)


def _add_alerts(add: Add) -> None:
    alert = add("alert", "Open an incident from the terminal.", _alert)
    alert.add_argument("service", type=_said)
    alert.add_argument("title", type=_said)
    said = "SEV1 to SEV4, or a word that the severity rules know: critical (default), error, warning, info"
    alert.add_argument("--severity", default="critical", type=_how_bad, help=said)
    alert.add_argument("--summary", default="", help="one more sentence")
    alert.add_argument("--key", default="", help="tells alerts apart; service and title where not given")
    alert.add_argument("--resolve", action="store_true", help="say that it is over")
    alerts = add("alerts", "Show the alerts of an incident as they came in.", _alerts)
    alerts.add_argument("incident")
    signed(alerts)


def _said(text: str) -> str:
    """Words, and not none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it must not be empty")
    return text


def _how_bad(text: str) -> str:
    """A severity, or a source's own word for one."""
    if re.fullmatch(r"sev-?\d*", text, re.IGNORECASE) and text.upper() not in SEVERITIES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(SEVERITIES)}")
    return text


def _alert(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import alert

    given = {
        "summary": args.summary,
        "dedup_key": args.key,
        "status": "resolved" if args.resolve else "firing",
    }
    return alert(args.service, args.title, args.severity, given)


def _alerts(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import alerts

    return alerts(args.incident, args.person)


def _add_hands(add: Add) -> None:
    for name, help_text, told in (
        (
            "snooze",
            "Quiet an incident for a while; then the same people are told again.",
            "how long: 30m, 2h",
        ),
        ("reassign", "Give an incident to somebody else, who is told now.", "their name"),
        ("delegate", "Hand the open question to another approver; its deadline stays.", "their name"),
    ):
        one = add(name, help_text, _hand)
        one.set_defaults(verb=name)
        one.add_argument("to", metavar="SPAN" if name == "snooze" else "NAME", help=told)
        on_an_incident(one)


def _hand(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import hand

    return hand(args.verb, args.to, args.id, args.person)


def _add_rollouts(add: Add) -> None:
    watch = add("watch", "Watch a rollout: share, both arms, interval, verdict, seconds left.", _watch)
    widen = add("widen", "Give the canary more traffic, to see more, with your PIN.", _widen)
    widen.add_argument("share", help="one of canary.wider, like 25%%")
    for one in (watch, widen):
        on_an_incident(one)


def _watch(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import watch

    return watch(args.id, args.person)


def _widen(args: argparse.Namespace) -> int:
    from steadyhand.commands.answers import widen

    return widen(args.share, args.id, args.person)
