"""The tool that tells the rules in force, and whom they mean now."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from steadyhand.journey.escalation.handmade import CoveredSchedule, ShiftChange
from steadyhand.journey.escalation.oncall import LOOK_AHEAD, on_call, say_change, say_now, say_shifts
from steadyhand.journey.escalation.policy import SEVERITIES
from steadyhand.journey.rule import show_duration
from steadyhand.responder.outside import Outside
from steadyhand.responder.people.roster import changes_since
from steadyhand.responder.rules import Rules
from steadyhand.tools.answers import bounded
from steadyhand.tools.kit import READ, offer

ON_CALL = "on_call"


class PolicyTools:
    """What the team decided beforehand."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def tools(self) -> list[Tool]:
        """What the server offers of them."""
        return [offer(self.explain_policy, READ)]

    async def explain_policy(self, topic: str = "", start: str = "", end: str = "") -> str:
        """The rules in force, or one topic of them: severity, escalation, approval, canary, goals, ..

        Topic on_call: who is on call and who is told next; with start and end (ISO 8601) all shifts, gaps.
        """
        if topic == ON_CALL or start or end:
            return await asyncio.to_thread(self._on_call, start, end)
        # By name: the configuration that carries the rules has connections too; those are not for a model.
        sections = set(Rules.model_fields) - {"services"}
        rules = self._outside.rules.model_dump(mode="json", include=sections)
        topics = ", ".join((ON_CALL, *rules))
        if topic and topic not in rules:
            raise ToolError(f"no section {topic!r}; sections: {topics}")
        text = json.dumps(_filled(rules[topic] if topic else rules), separators=(",", ":"))
        return bounded(text, narrower=f"name a topic: {topics}")

    def _on_call(self, start: str, end: str) -> str:
        rules, now = self._outside.rules, self._outside.clock.now()
        try:
            begins = _instant(start) or now
            with self._outside.ledger.read() as tx:
                changes = changes_since(self._outside, tx, min(now, begins))
            schedules = rules.on_call(changes)
            found = on_call(schedules, now, begins, _instant(end) or begins + LOOK_AHEAD)
        except ValueError as error:
            raise ToolError(str(error)) from error
        rows = [say_now(one) for one in found]
        if start or end:
            rows += [f"{one.schedule}: {line}" for one in found for line in say_shifts(one)]
        return bounded(
            "\n".join((*rows, *_changed(schedules, now), *_rungs(rules, changes, now))),
            narrower="ask for a shorter window",
        )


def _instant(text: str) -> datetime | None:
    """The instant that was written; None for none. Raises ValueError."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no zone: write it like 2026-01-31T02:00:00Z")
    return at.astimezone(UTC)


def _changed(schedules: Sequence[CoveredSchedule], now: datetime) -> list[str]:
    """What people changed by hand and still lasts or is to come."""
    return [
        f"by hand: {say_change(one, each.time_zone)}"
        for each in schedules
        for one in each.changes
        if one.ends > now
    ]


def _rungs(rules: Rules, changes: Sequence[ShiftChange], now: datetime) -> list[str]:
    """The ladders that incidents climb, each with whom it means now."""
    rows = []
    for severity in SEVERITIES:
        policy = rules.policy(severity, changes=changes)
        for tier in policy.ladder.tiers:
            reached = policy.ladder.reach(tier, severity, now)
            whom = ", ".join(f"{one.who} by {one.contacts[0].type}" for one in reached) or "NOBODY"
            after = f"next after {show_duration(tier.escalate_after)}"
            rows.append(
                f"{severity} {tier.name}: {whom}; {after if policy.treatment.auto_escalate else 'told once'}"
            )
    return rows


def _filled(given: object) -> object:
    """Without what was left empty."""
    if isinstance(given, dict):
        return {key: _filled(one) for key, one in given.items() if one not in ("", None, [], {})}
    return [_filled(one) for one in given] if isinstance(given, list) else given
