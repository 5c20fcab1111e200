"""The report of an incident, from what the doors see of it."""

from steadyhand.journey.report.model import Report
from steadyhand.journey.report.write import write
from steadyhand.responder.views import IncidentView


def report_of(view: IncidentView) -> Report:
    """The report as it stands; a draft while the incident is open."""
    return write(
        view.incident,
        page=view.page,
        diagnosis=view.diagnosis,
        plan=view.plan,
        decision=view.decision,
        rollout=view.rollout,
        trail=view.trail,
    )
