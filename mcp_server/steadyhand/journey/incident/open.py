"""How an incident begins."""

from datetime import datetime

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.commands import Arm, Record
from steadyhand.journey.incident.following import follow
from steadyhand.journey.incident.paging import call, hushed
from steadyhand.journey.incident.state import Incident, Outcome, Policy


def open_incident(
    given_id: str,
    alert: Alert,
    severity: tuple[Severity, str],
    policy: Policy,
    now: datetime,
    turn: int = 0,
) -> Outcome:
    """A firing alert that belongs to no open incident: open one, page the first rung, look at once.

    `turn` counts the incidents of this policy, for tiers that go round.
    """
    incident = Incident(
        id=given_id,
        service=alert.service,
        title=alert.summary or alert.name,
        severity=severity[0],
        severity_why=severity[1],
        opened_at=now,
        alerts=(alert,),
        note="Reading the evidence.",
        milestones={"started": min(alert.starts_at, now), "detected": now},
        policy=policy,
        turn=turn,
    )
    called, pages = call(incident, now, f"{alert.name} is firing.")
    commands = (
        Record(action="incident.opened", body=_facts(incident, alert)),
        *pages,
        Arm(kind="investigate", key=f"{given_id}:investigate", due_at=now),
    )
    quiet, spoken = hushed((called, commands), now)
    after, more = follow(None, quiet, now)
    return after, (*spoken, *more)


def _facts(incident: Incident, alert: Alert) -> dict[str, str]:
    return {
        "alert": alert.name,
        "service": alert.service,
        "source": alert.source,
        "severity": incident.severity,
        "severity_why": incident.severity_why,
    }
