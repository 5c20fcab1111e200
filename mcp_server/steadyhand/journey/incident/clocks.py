"""The clocks of a ladder and its question: what it means for the incident that one has run out."""

from collections.abc import Mapping
from datetime import datetime

from steadyhand.journey.commands import TimerKind
from steadyhand.journey.incident.state import ApprovalSilent, ContactSilent, QuietOver, TierSilent

Silent = TierSilent | ContactSilent | QuietOver | ApprovalSilent


def run_out(kind: TimerKind, payload: Mapping[str, str], due_at: datetime) -> Silent | None:
    """What happens to the incident when this clock runs out; None for a clock of another kind."""
    match kind:
        case "escalate":
            return TierSilent(rung=int(payload["rung"]), due_at=due_at)
        case "reach":
            rung, tried = int(payload["rung"]), int(payload["tried"])
            return ContactSilent(rung=rung, who=payload["who"], tried=tried, due_at=due_at)
        case "resume":
            return QuietOver(due_at=due_at)
        case "approval":
            return ApprovalSilent(plan=payload["plan"], due_at=due_at)
        case _:
            return None
