"""How it ended: the figures against the goals, the report, and whether users are truly well."""

from datetime import UTC, datetime, timedelta
from typing import Any

from steadyhand.demo.engineer import Engineer
from steadyhand.demo.screen import Screen
from steadyhand.demo.stage import Stage
from steadyhand.demo.vitals import Vitals
from steadyhand.journey.audit.proof import find_problem

_GOALS = (("detect", "detected", 120), ("fix ready", "fix_ready", 180), ("resolve", "resolved", 300))


def ending(
    screen: Screen, stage: Stage, engineer: Engineer, view: dict[str, Any], vitals: Vitals, broken_at: float
) -> int:
    """Print the end; 0 only if the incident is resolved and its users are measurably well."""
    resolved = view["incident"]["status"] == "resolved"
    screen.phase("How it went, counted from the moment the change was shipped")
    screen.table(("", "reached", "goal"), [_row(one, view, broken_at) for one in _GOALS])
    rows = stage.rows()
    problem = find_problem(rows)
    screen.say(f"Audit trail: {problem or f'holds, {len(rows)} rows'}")
    report = stage.folder / "report.md"
    report.write_text(engineer.report(view["incident"]["id"]), encoding="utf-8")
    screen.say(f"Report: {report}")
    screen.say(f"Console: {stage.access.url}/incidents/{view['incident']['id']} (ends with this demo)")
    vitals.read()
    good = resolved and vitals.well
    screen.panel("The end", _outcome(view["incident"], vitals), "green" if good else "red")
    return 0 if good and not problem else 1


def _outcome(incident: dict[str, Any], vitals: Vitals) -> str:
    if incident["status"] != "resolved":
        return f"NOT RESOLVED: {incident['note']}"
    if vitals.well:
        return "RESOLVED, and users are well."
    now = "\n".join(str(one) for one in vitals.lines)
    return f"NOT RESOLVED: the fix was verified, and users are not well now.\n{now}"


def _row(goal: tuple[str, str, int], view: dict[str, Any], broken_at: float) -> tuple[str, str, str]:
    name, milestone, seconds = goal
    at = view["incident"]["milestones"].get(milestone)
    if at is None:
        return name, "[red]never[/]", f"< {seconds // 60} min"
    took = datetime.fromisoformat(at) - datetime.fromtimestamp(broken_at, tz=UTC)
    colour = "green" if took < timedelta(seconds=seconds) else "red"
    return name, f"[{colour}]{took.total_seconds():.0f} s[/]", f"< {seconds // 60} min"
