"""The figures that matter: how long it took to notice, to have a fix, to say yes, to be well."""

from datetime import timedelta

from steadyhand.journey.incident.state import Incident, Milestone
from steadyhand.journey.report.model import Figures
from steadyhand.journey.rule import show_duration


def figures(incident: Incident) -> Figures:
    """The spans between an incident's milestones.

    A milestone of an earlier episode or question (one that lies before its start) gives None.
    """
    return Figures(
        detect=_span(incident, "started", "detected"),
        evidence=_span(incident, "detected", "evidence_ready"),
        fix_ready=_span(incident, "detected", "fix_ready"),
        approval=_span(incident, "fix_ready", "decided"),
        rollout=_span(incident, "rollout_started", "resolved"),
        resolve=_span(incident, "detected", "resolved"),
        whole=_span(incident, "started", "resolved"),
    )


def span(value: timedelta | None) -> str:
    """A duration to the tenth of a second below a minute, else to the second; "unknown" for None."""
    if value is None:
        return "unknown"
    digits = 1 if value < timedelta(minutes=1) else 0
    return show_duration(timedelta(seconds=round(value.total_seconds(), digits)))


def _span(incident: Incident, start: Milestone, end: Milestone) -> timedelta | None:
    if end == "resolved" and incident.status != "resolved":
        return None
    begun, ended = incident.milestones.get(start), incident.milestones.get(end)
    return ended - begun if begun and ended and ended >= begun else None
