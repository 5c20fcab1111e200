"""Tools that write to our own store: open, submit, propose, ask. None of them approves anything."""

from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import Field

from steadyhand.journey.alert.model import Alert
from steadyhand.journey.commands import Record
from steadyhand.journey.diagnosis.model import Outcome
from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.rule import Value
from steadyhand.ports import SteadyhandError
from steadyhand.responder.alerts.enrich import look_around
from steadyhand.responder.alerts.intake import take_alert
from steadyhand.responder.fixes.choosing import choose
from steadyhand.responder.investigation.checking import record_checks
from steadyhand.responder.investigation.opinion import Claim, propose_plans, submit
from steadyhand.responder.investigation.recalling import refused_before
from steadyhand.responder.outside import Outside
from steadyhand.responder.views import view
from steadyhand.tools.answers import bounded, next_step, plan_answer
from steadyhand.tools.kit import READ, STORE, ask, offer
from steadyhand.tools.telling import tell_playbook

Short = Annotated[str, Field(min_length=1, max_length=200)]
Long = Annotated[str, Field(max_length=1000)]

_SEEN = 300


class Checked(Value):
    """A check that ran."""

    hypothesis: str
    check: str
    outcome: Literal["as_if_true", "as_if_false", "unclear"]
    seen: str


class ProposalTools:
    """Tools that propose."""

    def __init__(self, outside: Outside, playbooks: Shelf) -> None:
        self._outside = outside
        self._playbooks = playbooks

    def tools(self) -> list[Tool]:
        """What the server offers of them."""
        return [
            offer(self.open_incident, STORE),
            offer(self.submit_hypotheses, STORE),
            offer(self.propose_fix, STORE),
            offer(self.request_approval, STORE),
            offer(self.draft_report, STORE),
            offer(self.get_playbook, READ),
        ]

    async def open_incident(self, service: Short, title: Short, summary: Long = "") -> str:
        """Open an incident by hand, or join the open one of that service; the evidence is read at once."""
        now = self._outside.clock.now()
        alert = Alert(
            source="model",
            dedup_key=f"model:{service}:{title}"[:255],
            name=title,
            service=service,
            status="firing",
            starts_at=now,
            dated=False,
            summary=summary or title,
        )
        incident = await ask(take_alert, self._outside, alert, alert.model_dump_json())
        known = self._outside.rules.topology.get(service)
        warning = "" if known else f" {service} is not in get_topology, so little may be found about it."
        head = f"{incident}: get_incident shows where it stands.{warning}"
        try:
            seen = await look_around(self._outside, incident)
        except SteadyhandError as error:  # it is open all the same
            return f"{head}\nWhat is normal and what changed could not be read: {error}"
        return bounded("\n".join((head, *seen.lines)))

    async def submit_hypotheses(
        self,
        incident_id: str,
        hypotheses: Annotated[list[Claim] | None, Field(max_length=5)] = None,
        checked: Annotated[list[Checked], Field(max_length=10)] = [],  # noqa: B006 - a schema's default
    ) -> str:
        """Submit ranked hypotheses, in the words of get_diagnosis, and what checks showed (`checked`).

        An empty list of hypotheses says "none of these"; without one only `checked` is kept. Cited ids must
        exist; confidence may be lowered, and rises only by what a check showed.
        """
        lines = await self._keep_checks(incident_id, checked)
        if hypotheses is not None:
            stored = await ask(submit, self._outside, incident_id, hypotheses)
            opinion = stored.opinion
            named = "; ".join(f"{one.id} {one.confidence:.0%} {one.claim[:80]}" for one in opinion.hypotheses)
            rest = f"none of these: {opinion.none_of_these:.0%}"
            lines += [f"Stored: {named or 'no cause'}; {rest}. propose_fix takes these ids.", *stored.steps]
        if not lines:
            raise ToolError("give hypotheses ([] for none of these), checked, or both")
        return bounded("\n".join(lines))

    async def _keep_checks(self, incident_id: str, checked: list[Checked]) -> list[str]:
        """One line for each: what it did to the ranking."""
        if not checked:
            return []
        outcomes = [Outcome(**one.model_dump() | {"seen": one.seen[:_SEEN] or "nothing"}) for one in checked]
        return [*await ask(record_checks, self._outside, incident_id, outcomes, "model", "agent", "mcp")]

    async def propose_fix(
        self, incident_id: str, hypothesis_id: str, option: Annotated[int, Field(ge=1)] = 1
    ) -> str:
        """Make a plan, a typed fix with its way back, for a hypothesis; `option` picks another of its fixes.

        Nobody is asked yet: request_approval does.
        """
        try:
            plans = await propose_plans(self._outside, incident_id, hypothesis_id)
        except SteadyhandError as error:
            raise ToolError(str(error)) from error
        if option > len(plans):
            raise ToolError(f"there are {len(plans)} options: " + "; ".join(one.fix.title for one in plans))
        options = tuple(f"{number}: {one.fix.title}" for number, one in enumerate(plans, start=1))
        chosen = plans[option - 1]
        refused = await ask(refused_before, self._outside, chosen)
        told = plan_answer(chosen, options=options).model_copy(update={"refused_before": refused})
        return told.model_dump_json()

    async def request_approval(self, plan_id: str) -> str:
        """Ask the humans about a plan. They answer in the console or terminal, never here."""
        incident = await ask(choose, self._outside, plan_id, "model", "agent")
        return f"{incident.status}: {incident.note} {next_step(incident)}"

    async def draft_report(self, incident_id: str, notes: Annotated[str, Field(max_length=4000)]) -> str:
        """Add notes to the post-incident report, marked as written by a model."""

        def write() -> None:
            record = Record(action="report.note", actor="model", actor_kind="agent", body={"notes": notes})
            with self._outside.ledger.write() as tx:
                view(tx, incident_id)  # raises for an unknown one
                tx.record(incident_id, record, self._outside.clock.now())

        await ask(write)
        return "Noted; get_report shows it."

    async def get_playbook(self, mechanism: str) -> str:
        """What is known of a fault class: first look, checks, look-alikes, fixes, traps. No rule."""
        found = self._playbooks.find(mechanism)
        if found is None:
            known = ", ".join(self._playbooks.mechanisms)
            raise ToolError(f"no playbook {mechanism!r}; there are: {known}")
        return bounded(tell_playbook(found))
