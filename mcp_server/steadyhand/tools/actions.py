"""Tools that act. What a model must not decide is not in the schema: the server looks it up."""

from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.incident.state import Escalated, Incident
from steadyhand.ports import SteadyhandError
from steadyhand.responder.alerts.intake import tell_incident
from steadyhand.responder.fixes.executing import execute
from steadyhand.responder.hiding import given_words
from steadyhand.responder.investigation.grading import Voice, grade
from steadyhand.responder.outside import Outside
from steadyhand.responder.rollouts.interventions import abort_rollout as take_back
from steadyhand.responder.views import view_incident
from steadyhand.tools.kit import ACT, ask, offer

_LONGEST = 300
Reason = Annotated[str, Field(min_length=1, max_length=_LONGEST)]


class ActionTools:
    """Tools that act."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def tools(self) -> list[Tool]:
        """What the server offers of them."""
        return [
            offer(self.execute_fix, ACT),
            offer(self.abort_rollout, ACT),
            offer(self.escalate_incident, ACT),
        ]

    async def execute_fix(self, plan_id: str) -> str:
        """Start an approved plan, should the service not have done so by itself.

        Refused unless a human approved this very plan; no argument can say so.
        """
        return await ask(execute, self._outside, plan_id)

    async def abort_rollout(self, incident_id: str, reason: Reason = "asked to abort") -> str:
        """Take the rollout back now. Needs no approval."""
        why = await self._safe(incident_id, reason)
        try:
            after = await take_back(self._outside, incident_id, "model", why, kind="agent", via="mcp")
        except SteadyhandError as error:
            raise ToolError(str(error)) from error
        return f"{after.phase}: {after.reason} get_rollout tells when all traffic is back."

    async def escalate_incident(
        self, incident_id: str, reason: Reason, severity: Severity | None = None
    ) -> str:
        """Tell the next tier now; with `severity`, change that instead. Humans read the reason."""
        reason = await self._safe(incident_id, reason)
        if severity is not None:
            voice = Voice("model", "agent", "mcp")
            graded = await ask(grade, self._outside, incident_id, severity, reason, voice)
            return f"{incident_id} is {graded.severity}. {told_of(graded)}"
        before = (await ask(view_incident, self._outside, incident_id)).incident
        event = Escalated(by="model", why=reason)
        after = await ask(tell_incident, self._outside, incident_id, event)
        if after.rung == before.rung:
            why = "it is resolved" if after.status == "resolved" else "every tier was told before"
            raise ToolError(
                f"nobody new was told: {why}; get_incident shows who was, explain_policy who they are"
            )
        return told_of(after)

    async def _safe(self, incident: str, reason: str) -> str:
        """What is asked of people goes to phones, which no one here can call back."""
        return await ask(given_words, self._outside, incident, reason, _LONGEST)


def told_of(incident: Incident) -> str:
    """Whom the present tier reached."""
    tier = incident.policy.ladder.tier(incident.rung)
    whom = ", ".join(str(one.contacts[0]) for one in incident.called)
    return f"Told: {tier.name} ({whom}). get_incident shows whether the message left."
