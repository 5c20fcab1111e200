"""Tools that read what is known of incidents."""

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from steadyhand.journey.evidence.digest import opened, render
from steadyhand.journey.evidence.masking import unnumbered
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.report.markdown import markdown
from steadyhand.ports import SteadyhandError
from steadyhand.responder.outside import Outside
from steadyhand.responder.reporting import report_of
from steadyhand.responder.views import IncidentView, list_incidents, view_incident
from steadyhand.tools.answers import (
    MOST,
    IncidentAnswer,
    IncidentList,
    bounded,
    decided,
    incident_answer,
    line,
    next_step,
    plan_answer,
)
from steadyhand.tools.kit import READ, ask, offer
from steadyhand.tools.telling import tell_diagnosis, tell_rollout

_LISTED = 15
_NOTE = 120
_LATER = "The evidence is still being read; ask again in a few seconds."


class UnknownPlan(SteadyhandError):
    """There is no such plan."""


class IncidentTools:
    """Tools that read incidents."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def tools(self) -> list[Tool]:
        """What the server offers of them."""
        return [
            offer(self.listed, READ, name="list_incidents", structured=True),
            offer(self.get_incident, READ, structured=True),
            offer(self.get_evidence, READ),
            offer(self.get_diagnosis, READ),
            offer(self.get_rollout, READ),
            offer(self.get_report, READ),
        ]

    async def _view(self, incident_id: str) -> IncidentView:
        return await ask(view_incident, self._outside, incident_id)

    async def listed(self) -> IncidentList:
        """Incidents, newest first, with where each stands."""
        found = await ask(list_incidents, self._outside, _LISTED + 1)
        lines = tuple(unnumbered(line(one, _NOTE)) for one in found[:_LISTED])
        return IncidentList(incidents=lines, returned=len(lines), truncated=len(found) > _LISTED)

    async def get_incident(self, incident_id: str) -> IncidentAnswer:
        """Where an incident stands: severity, who was told, hypotheses, plan, rollout, and what is next."""
        return incident_answer(await self._view(incident_id))

    async def get_evidence(self, incident_id: str, item_id: str = "") -> str:
        """The evidence page: what changed, when, in what order. Cite items by their ids; an id opens one."""
        found = (await self._view(incident_id)).page
        if found is None:
            return _LATER
        if not item_id:
            return bounded(render(found))
        item = found.reopened(item_id)
        if item is None:
            raise ToolError(f"no page of {incident_id} has an item {item_id}; get_evidence lists the ids")
        return bounded(opened(item, found))

    async def get_diagnosis(self, incident_id: str) -> str:
        """Ranked hypotheses: evidence for and against, path, and the checks that tell them apart."""
        found = await self._view(incident_id)
        return bounded(tell_diagnosis(found.diagnosis, found.opinion)) if found.diagnosis else _LATER

    async def get_rollout(self, incident_id: str = "", plan_id: str = "") -> str:
        """A plan (the incident's, or another by its id) and how its rollout stands.

        Action, way back, risk, steps, goals, decision; then phase, share, both arms, the judge's verdict.
        """
        plan = await ask(self._plan, plan_id) if plan_id else None
        found = await self._view(plan.incident if plan else incident_id)
        plan = plan or found.plan
        begun = found.rollout is not None and (plan is None or found.rollout.plan.id == plan.id)
        head = (
            tell_rollout(found.rollout, self._outside.clock.now())
            if begun and found.rollout is not None
            else f"No rollout has begun. {next_step(found.incident)}"
        )
        return bounded(f"{head}\n{_planned(plan, found)}" if plan else head)

    def _plan(self, plan_id: str) -> Plan:
        with self._outside.ledger.read() as tx:
            plan = tx.get("plan", plan_id, Plan)
        if plan is None:
            raise UnknownPlan(f"there is no plan {plan_id}; get_incident lists the plans")
        return plan

    async def get_report(self, incident_id: str, full: bool = False) -> str:  # noqa: FBT001, FBT002 - named by MCP
        """The post-incident report as it stands, in Markdown; its beginning unless asked for in full."""
        text = markdown(report_of(await self._view(incident_id)))
        return bounded(text, MOST) if full else bounded(text, narrower="full=true shows it")


def _planned(plan: Plan, found: IncidentView) -> str:
    """The plan in one line of JSON. Only a human can approve it, elsewhere."""
    mine = found.incident.plan == plan.id
    shown = plan_answer(plan, decided(found) if mine else "not the plan in question")
    if mine:
        shown = shown.model_copy(update={"refused_before": found.refusals})
    return f"Plan: {shown.model_dump_json(exclude_defaults=True)}"
