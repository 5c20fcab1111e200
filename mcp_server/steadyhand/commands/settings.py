"""`steadyhand config`: is it right, and who would be paged when."""

import sys
from datetime import timedelta
from pathlib import Path

from steadyhand.config import IncidentConfig, load
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.escalation.policy import SEVERITIES
from steadyhand.journey.rule import show_duration


def show(path: Path) -> int:
    """Print the configuration whole, defaults included."""
    import yaml  # noqa: PLC0415

    sys.stdout.write(yaml.safe_dump(load(path).model_dump(mode="json"), sort_keys=False))
    return 0


def check(path: Path, severity: Severity) -> int:
    """Say what is wrong, or who would be told when nobody answers an incident of this severity."""
    config = load(path)
    sys.stdout.write(f"{path} is well formed: {len(config.services)} services.\n")
    sys.stdout.write(f"When nobody answers a {severity}:\n")
    for line in _timeline(config, severity):
        sys.stdout.write(f"  {line}\n")
    problems = list(_problems(config))
    for one in problems:
        sys.stdout.write(f"  PROBLEM: {one}\n")
    return 1 if problems else 0


def _timeline(config: IncidentConfig, severity: Severity) -> list[str]:
    policy = config.policy(severity)
    lines, at = [], timedelta()
    for rung in range(policy.ladder.rungs):
        tier = policy.ladder.tier(rung)
        whom = ", ".join(str(one.contacts[0]) for one in policy.ladder.reach(tier, severity)) or "NOBODY"
        lines.append(f"after {show_duration(at)}: {tier.name} by {whom}")
        if not policy.treatment.auto_escalate:
            return [*lines, "then nobody: this severity does not escalate by itself"]
        at += tier.escalate_after
    return lines


def _problems(config: IncidentConfig) -> list[str]:
    built = {"console", *(one.kind for one in config.connections.channels)}
    ladders = {one.name: one for one in (config.policy(severity).ladder for severity in SEVERITIES)}
    ways = [
        (f"escalation {ladder.name}.{tier.name}", way)
        for ladder in ladders.values()
        for tier in (*ladder.tiers, ladder.tier(ladder.rungs))
        for reach in ladder.reach(tier, "SEV1")
        for way in reach.contacts
    ]
    found = [
        f"{where}: connections.channels has no {way.type}" for where, way in ways if way.type not in built
    ]
    if all(way.type == "console" for _, way in ways):
        found.append("every contact is the console: nobody is woken by a page they must be looking at")
    known = {one.name for one in config.services}
    found += [f"goals.{name}: no such service" for name in config.goals if name not in known]
    return list(dict.fromkeys(found))
