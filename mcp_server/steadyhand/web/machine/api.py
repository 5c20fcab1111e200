"""JSON for the terminal and the hook: what is so, and what a person may do about it."""

import asyncio
from typing import Literal

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.journey.alert.severity import Severity
from steadyhand.journey.approval.consent import objection
from steadyhand.journey.diagnosis.model import Outcome
from steadyhand.journey.incident.updates import draft
from steadyhand.journey.memory.case import Judgement
from steadyhand.journey.remedy.plan import Plan
from steadyhand.journey.rollout.live import live
from steadyhand.journey.rule import Duration, Value
from steadyhand.responder.fixes.deciding import decide
from steadyhand.responder.investigation.grading import Voice, grade
from steadyhand.responder.rollouts.interventions import (
    abort_rollout,
    promote_without_proof,
    share_of,
    widen_rollout,
)
from steadyhand.responder.views import explain_pages, list_incidents, view_incident, view_posts
from steadyhand.web.body import json_body
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
from steadyhand.web.machine.guard import check_person, check_token

VIA = "terminal"


class Answer(Value):
    """A person's answer to the plan with this digest."""

    digest: str = Field(max_length=64)
    answer: str = Field(max_length=20)
    reason: str = Field(default="", max_length=1000)


class Why(Value):
    """A reason in a person's words."""

    why: str = Field(min_length=1, max_length=500)


class Grade(Value):
    """Another severity, and why."""

    severity: Severity
    why: str = Field(min_length=1, max_length=300)


class Judged(Value):
    """What a person says a closed incident was."""

    verdict: Literal["confirmed", "other", "unknown"]
    hypothesis: str = Field(default="", max_length=20)
    cause: str = Field(default="", max_length=500)
    fault_class: str = Field(default="", max_length=80)
    worked: Literal["yes", "no", "unknown"] | None = None


class Seen(Value):
    """What a check of a hypothesis showed, by the word of who looked."""

    hypothesis: str = Field(max_length=20)
    check: str = Field(max_length=80)
    outcome: Literal["as_if_true", "as_if_false", "unclear"]
    seen: str = Field(min_length=1, max_length=300)


class For(Value):
    """A span of time, e.g. 1h30m."""

    span: Duration


class To(Value):
    """Somebody's name."""

    to: str = Field(min_length=1, max_length=80)


class Wider(Value):
    """More share for a canary."""

    share: str = Field(max_length=20)


class Words(Value):
    """What a person tells stakeholders."""

    text: str = Field(min_length=1, max_length=LONGEST_UPDATE)


class Api:
    """The terminal's doors ask for name and PIN each time; the gate asks for the MCP token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._outside = desk.outside

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/api/plans/{plan}/gate", self.gate),
            Route("/api/plans/{plan}/decision", self.decision, methods=["POST"]),
            Route("/api/incidents", self.incidents),
            Route("/api/incidents/{incident}", self.incident),
            Route("/api/incidents/{incident}/alerts", self.alerts),
            Route("/api/incidents/{incident}/why", self.why),
            Route("/api/incidents/{incident}/ack", self.ack, methods=["POST"]),
            Route("/api/incidents/{incident}/snooze", self.snooze, methods=["POST"]),
            Route("/api/incidents/{incident}/reassign", self.reassign, methods=["POST"]),
            Route("/api/plans/{plan}/delegate", self.delegate, methods=["POST"]),
            Route("/api/incidents/{incident}/abort", self.abort, methods=["POST"]),
            Route("/api/incidents/{incident}/rollout", self.rollout),
            Route("/api/incidents/{incident}/promote", self.promote, methods=["POST"]),
            Route("/api/incidents/{incident}/widen", self.widen, methods=["POST"]),
            Route("/api/incidents/{incident}/close", self.close, methods=["POST"]),
            Route("/api/incidents/{incident}/judgement", self.judgement, methods=["POST"]),
            Route("/api/incidents/{incident}/checks", self.checked, methods=["POST"]),
            Route("/api/incidents/{incident}/update", self.draft, methods=["GET"]),
            Route("/api/incidents/{incident}/update", self.update, methods=["POST"]),
            Route("/api/incidents/{incident}/severity", self.severity, methods=["POST"]),
        ]

    async def gate(self, request: Request) -> Response:
        """Whether the stored decision lets this stored plan run now; whoever asks may claim nothing."""
        check_token(request, self._desk.secrets.mcp_token)
        why = await asyncio.to_thread(self._objection, request.path_params["plan"])
        return JSONResponse({"approved": not why, "why": why})

    def _objection(self, wanted: str) -> str:
        with self._outside.ledger.read() as tx:
            plan = tx.get("plan", wanted, Plan)
            if plan is None:
                return "there is no such plan"
            return objection(plan, tx.decision(plan.id), self._outside.clock.now())

    async def incidents(self, request: Request) -> Response:
        """The latest incidents, newest first."""
        await check_person(self._outside, request)
        found = await asyncio.to_thread(list_incidents, self._outside)
        return JSONResponse({"incidents": [one.model_dump(mode="json") for one in found]})

    async def incident(self, request: Request) -> Response:
        """Everything about one incident."""
        await check_person(self._outside, request)
        view = await asyncio.to_thread(view_incident, self._outside, request.path_params["incident"])
        return Response(view.model_dump_json(), media_type="application/json")

    async def alerts(self, request: Request) -> Response:
        """The latest posts that told of its alerts, as they came in: cut, and without secrets."""
        await check_person(self._outside, request)
        found = await asyncio.to_thread(view_posts, self._outside, _incident(request))
        return JSONResponse({"posts": [one.model_dump(mode="json") for one in found]})

    async def why(self, request: Request) -> Response:
        """Why each of its messages was written and to whom, and what comes next if nobody answers."""
        await check_person(self._outside, request)
        return _json(await asyncio.to_thread(explain_pages, self._outside, _incident(request)))

    async def decision(self, request: Request) -> Response:
        """Approve or reject the exact plan the digest names."""
        person = await check_person(self._outside, request)
        given = await json_body(request, Answer)
        plan = request.path_params["plan"]
        made = await decide(self._outside, person, plan, given.digest, given.answer, VIA, given.reason)
        return _json(made)

    async def ack(self, request: Request) -> Response:
        """Somebody has it: the ladder stops."""
        person = await check_person(self._outside, request)
        return _json(await acknowledge(self._outside, _incident(request), person.name, VIA))

    async def snooze(self, request: Request) -> Response:
        """Quiet for a while, then the same tier is told again."""
        person = await check_person(self._outside, request)
        given = await json_body(request, For)
        return _json(await put_off(self._outside, _incident(request), person.name, VIA, given.span))

    async def reassign(self, request: Request) -> Response:
        """To somebody else, who is told now."""
        person = await check_person(self._outside, request)
        given = await json_body(request, To)
        return _json(await give(self._outside, _incident(request), person.name, VIA, given.to))

    async def delegate(self, request: Request) -> Response:
        """The open question to another approver; its deadline stays."""
        person = await check_person(self._outside, request)
        given = await json_body(request, To)
        plan = str(request.path_params["plan"])
        return _json(await hand_over(self._outside, person, plan, given.to, VIA))

    async def draft(self, request: Request) -> Response:
        """What stakeholders are told next if nobody writes another."""
        await check_person(self._outside, request)
        view = await asyncio.to_thread(view_incident, self._outside, request.path_params["incident"])
        return JSONResponse({"draft": draft(view.incident, self._outside.clock.now())})

    async def update(self, request: Request) -> Response:
        """A person's own words to stakeholders."""
        person = await check_person(self._outside, request)
        words = await json_body(request, Words)
        incident = request.path_params["incident"]
        told = await write_update(self._outside, incident, person.name, VIA, words.text)
        return JSONResponse({"told": told})

    async def abort(self, request: Request) -> Response:
        """Take the rollout back now."""
        person = await check_person(self._outside, request)
        given = await json_body(request, Why)
        return _json(await abort_rollout(self._outside, _incident(request), person.name, given.why, via=VIA))

    async def rollout(self, request: Request) -> Response:
        """How its rollout stands at this instant, small enough to be asked each second."""
        await check_person(self._outside, request)
        view = await asyncio.to_thread(view_incident, self._outside, _incident(request))
        if view.rollout is None:
            raise HTTPException(404, f"{_incident(request)} has no rollout yet")
        shown = live(view.rollout, self._outside.clock.now())
        return JSONResponse({**shown.model_dump(mode="json"), "line": shown.line})

    async def promote(self, request: Request) -> Response:
        """Give an undecided fix all traffic without proof; SEV1 only."""
        person = await check_person(self._outside, request)
        given = await json_body(request, Why)
        return _json(await promote_without_proof(self._outside, person, _incident(request), given.why, VIA))

    async def widen(self, request: Request) -> Response:
        """Give the canary more traffic, to see more."""
        person = await check_person(self._outside, request)
        share = share_of((await json_body(request, Wider)).share)
        return _json(await widen_rollout(self._outside, person, _incident(request), share, VIA))

    async def close(self, request: Request) -> Response:
        """A person says it is over."""
        person = await check_person(self._outside, request)
        given = await json_body(request, Why)
        return _json(await close(self._outside, _incident(request), person.name, VIA, given.why))

    async def judgement(self, request: Request) -> Response:
        """What it was, by a person's word; the remembered case comes back."""
        person = await check_person(self._outside, request)
        given = await json_body(request, Judged)
        now = self._outside.clock.now()
        judged = Judgement(**given.model_dump(), by=person.name, via=VIA, at=now)
        return _json(await judge_cause(self._outside, _incident(request), judged))

    async def checked(self, request: Request) -> Response:
        """What a check showed, and what that did to the ranking."""
        person = await check_person(self._outside, request)
        seen = Outcome(**(await json_body(request, Seen)).model_dump())
        did = await tell_check(self._outside, _incident(request), seen, person.name, VIA)
        return JSONResponse({"did": did})

    async def severity(self, request: Request) -> Response:
        """Say how bad it is; who is told, and how fast, follows."""
        person = await check_person(self._outside, request)
        given = await json_body(request, Grade)
        voice, wanted = Voice(person.name, "human", VIA), _incident(request)
        return _json(await asyncio.to_thread(grade, self._outside, wanted, given.severity, given.why, voice))


def _incident(request: Request) -> str:
    return str(request.path_params["incident"])


def _json(value: Value) -> Response:
    return Response(value.model_dump_json(), media_type="application/json")
