"""What a signed-in person does on the console. Every deed is a POST of our own form."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import get_args

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from steadyhand.journey.alert.severity import MEANING
from steadyhand.journey.diagnosis.model import Outcome
from steadyhand.journey.memory.case import Judgement
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rule import parse_duration
from steadyhand.responder.fixes.choosing import choose
from steadyhand.responder.fixes.deciding import Refused, decide
from steadyhand.responder.investigation.grading import Voice, grade
from steadyhand.responder.rollouts.interventions import (
    abort_rollout,
    promote_without_proof,
    share_of,
    widen_rollout,
)
from steadyhand.store import Person
from steadyhand.web.console.door import VIA
from steadyhand.web.console.pages import show_incident
from steadyhand.web.console.visitor import Visitor, posted
from steadyhand.web.deeds import (
    LONGEST_UPDATE,
    acknowledge,
    close,
    give,
    hand_over,
    judge_cause,
    put_off,
    tell_check,
    write_update,
)
from steadyhand.web.desk import Desk

Form = dict[str, str]
Deed = Callable[[Person, str, Form], Awaitable[object]]
_LONGEST = 1000
_REASON = 300


class Acts:
    """Decide, acknowledge, put off, give, delegate, steer a rollout, close, judge, choose, tell, grade."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/plans/{plan}/decision", self.decision, methods=["POST"]),
            Route("/incidents/{incident}/ack", self._door(self._ack), methods=["POST"]),
            Route("/incidents/{incident}/snooze", self._door(self._snooze), methods=["POST"]),
            Route("/incidents/{incident}/reassign", self._door(self._reassign), methods=["POST"]),
            Route("/plans/{plan}/delegate", self.delegate, methods=["POST"]),
            Route("/incidents/{incident}/abort", self._door(self._abort), methods=["POST"]),
            Route("/incidents/{incident}/promote", self._door(self._promote), methods=["POST"]),
            Route("/incidents/{incident}/widen", self._door(self._widen), methods=["POST"]),
            Route("/incidents/{incident}/close", self._door(self._close), methods=["POST"]),
            Route("/incidents/{incident}/judgement", self._door(self._judge), methods=["POST"]),
            Route("/incidents/{incident}/checks", self._door(self._checked), methods=["POST"]),
            Route("/incidents/{incident}/choose", self._door(self._choose), methods=["POST"]),
            Route("/incidents/{incident}/update", self._door(self._update), methods=["POST"]),
            Route("/incidents/{incident}/severity", self._door(self._grade), methods=["POST"]),
        ]

    async def decision(self, request: Request) -> Response:
        """Approve or reject; the form carries the digest of the plan the person saw."""
        who, form = await posted(self._desk, request)
        plan = str(request.path_params["plan"])
        incident = await asyncio.to_thread(self._incident_of, plan)

        async def deed(person: Person, _incident: str, given: Form) -> None:
            digest, answer = given.get("digest", "")[:64], given.get("answer", "")[:20]
            reason = given.get("reason", "").strip()[:_LONGEST]
            await decide(self._outside, person, plan, digest, answer, VIA, reason)

        return await self._try(who, form, incident, deed)

    async def delegate(self, request: Request) -> Response:
        """The open question to another approver; its deadline stays."""
        who, form = await posted(self._desk, request)
        plan = str(request.path_params["plan"])
        incident = await asyncio.to_thread(self._incident_of, plan)

        async def deed(person: Person, _incident: str, given: Form) -> None:
            await hand_over(self._outside, person, plan, given.get("to", "")[:80], VIA)

        return await self._try(who, form, incident, deed)

    def _incident_of(self, wanted: str) -> str:
        with self._outside.ledger.read() as tx:
            plan = tx.get("plan", wanted, Plan)
        if plan is None:
            raise HTTPException(404, "There is no such plan.")
        return plan.incident

    async def _ack(self, person: Person, incident: str, _form: Form) -> None:
        await acknowledge(self._outside, incident, person.name, VIA)

    async def _snooze(self, person: Person, incident: str, form: Form) -> None:
        try:
            span = parse_duration(form.get("span", "")[:20])
        except ValueError as error:
            raise Refused(str(error)) from error
        assert isinstance(span, timedelta), "a text is a duration or an error"
        await put_off(self._outside, incident, person.name, VIA, span)

    async def _reassign(self, person: Person, incident: str, form: Form) -> None:
        await give(self._outside, incident, person.name, VIA, form.get("to", "")[:80])

    async def _abort(self, person: Person, incident: str, form: Form) -> None:
        why = form.get("why", "").strip()[:_LONGEST] or "by hand, on the console"
        await abort_rollout(self._outside, incident, person.name, why)

    async def _promote(self, person: Person, incident: str, form: Form) -> None:
        why = form.get("why", "").strip()[:_LONGEST]
        await promote_without_proof(self._outside, person, incident, why, VIA)

    async def _widen(self, person: Person, incident: str, form: Form) -> None:
        await widen_rollout(self._outside, person, incident, share_of(form.get("share", "")), VIA)

    async def _close(self, person: Person, incident: str, form: Form) -> None:
        why = form.get("why", "").strip()[:_LONGEST]
        if not why:
            raise Refused("closing needs a reason: the report will hold it")
        await close(self._outside, incident, person.name, VIA, why)
        if form.get("was"):
            await self._judge(person, incident, form)

    async def _judge(self, person: Person, incident: str, form: Form) -> None:
        """The form says `confirmed:h2`, `other` or `unknown`."""
        said, _, hypothesis = form.get("was", "")[:40].partition(":")
        verdict = next(
            (one for one in get_args(Judgement.model_fields["verdict"].annotation) if one == said), None
        )
        if verdict is None:
            raise Refused("say what it was: one of the causes, another one, or not known")
        worked = {"yes": "yes", "no": "no"}.get(form.get("worked", ""))
        now, cause = self._outside.clock.now(), form.get("cause", "").strip()[:500]
        given = {"verdict": verdict, "hypothesis": hypothesis, "cause": cause, "worked": worked}
        judged = Judgement.model_validate({**given, "by": person.name, "via": VIA, "at": now})
        await judge_cause(self._outside, incident, judged)

    async def _checked(self, person: Person, incident: str, form: Form) -> None:
        """What somebody saw who looked as a check says."""
        told = get_args(Outcome.model_fields["outcome"].annotation)
        outcome = next((one for one in told if one == form.get("outcome", "")), None)
        words = form.get("seen", "").strip()[:_REASON]
        if outcome is None or not words:
            raise Refused("say what you saw, and whether it is as if true, as if false, or unclear")
        given = {"hypothesis": form.get("hypothesis", "")[:20], "check": form.get("check", "")[:80]}
        seen = Outcome.model_validate({**given, "outcome": outcome, "seen": words})
        await tell_check(self._outside, incident, seen, person.name, VIA)

    async def _choose(self, person: Person, incident: str, form: Form) -> None:
        plan = form.get("plan", "")[:100]
        if await asyncio.to_thread(self._incident_of, plan) != incident:
            raise Refused("that plan belongs to another incident")
        await asyncio.to_thread(choose, self._outside, plan, person.name)

    async def _update(self, person: Person, incident: str, form: Form) -> None:
        """Words to stakeholders are sent whole or not at all."""
        text = form.get("text", "").replace("\r\n", "\n").strip()
        if not 0 < len(text) <= LONGEST_UPDATE:
            raise Refused(f"an update has 1 to {LONGEST_UPDATE} characters; this has {len(text)}")
        await write_update(self._outside, incident, person.name, VIA, text)

    async def _grade(self, person: Person, incident: str, form: Form) -> None:
        wanted, why = form.get("severity", ""), form.get("why", "").strip()[:_REASON]
        severity = next((one for one in MEANING if one == wanted), None)
        if severity is None or not why:
            raise Refused("another severity needs one of SEV1 to SEV4, and a reason")
        voice = Voice(person.name, "human", VIA)
        await asyncio.to_thread(grade, self._outside, incident, severity, why, voice)

    def _door(self, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        async def door(request: Request) -> Response:
            who, form = await posted(self._desk, request)
            return await self._try(who, form, str(request.path_params["incident"]), deed)

        return door

    async def _try(self, who: Visitor, form: Form, incident: str, deed: Deed) -> Response:
        """Do it and show the incident; a refusal is shown there too, with what was typed kept."""
        try:
            await deed(who.person, incident, form)
        except Refused as error:
            problem = f"Not done: {error}."
            return await show_incident(self._desk, who, incident, problem, form, 409)
        return RedirectResponse(f"/incidents/{incident}", status_code=303)
