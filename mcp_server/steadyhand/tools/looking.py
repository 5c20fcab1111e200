"""Tools that look at one thing: a database, or whatever a check of the catalogue speaks of."""

from datetime import datetime
from functools import partial
from typing import get_args

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from steadyhand.journey.change.finding import CheckKind, Finding
from steadyhand.ports import Check
from steadyhand.responder.investigation.asking import ask_all
from steadyhand.responder.outside import Outside
from steadyhand.tools.answers import bounded
from steadyhand.tools.kit import MASKER, READ, offer
from steadyhand.tools.telling import tell_database

_ROW = 400
_AT_ONCE = 8
_WITHIN_S = 12.0


class LookingTools:
    """Tools that inspect and check."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def tools(self) -> list[Tool]:
        """What the server offers of them."""
        return [offer(self.inspect_database, READ), offer(self.run_check, READ)]

    async def inspect_database(self, name: str) -> str:
        """A read-only look into a database: sessions, locks, slow statements, scans, indexes, bloat, lag."""
        probe = self._outside.probes.get(name)
        if probe is None:
            known = ", ".join(self._outside.probes) or "none"
            raise ToolError(f"no database {name!r} is connected; connected: {known}")
        report = await probe.look(self._outside.clock.now())
        return bounded("\n".join(MASKER.get().text(one, _ROW) for one in tell_database(report)))

    async def run_check(self, check: CheckKind, target: str = "") -> str:
        """A read-only check of something the configuration names; without target of all it can check so."""
        mine = [one for one in self._outside.checks if one.kind == check]
        chosen = [one for one in mine if target in {"", one.target}]
        if not chosen:
            raise ToolError(f"no {check} check of {target or 'anything'}; there are: {self._known()}")
        now = self._outside.clock.now()
        asked = chosen[:_AT_ONCE]

        told, gaps = await ask_all(
            [(f"{one.kind} {one.target}", partial(_look, one, now)) for one in asked], _WITHIN_S
        )
        lines = (*told, *(f"not known: {gap}" for gap in gaps))
        head = (
            f"{len(mine)} {check} checks, {len(chosen)} match, {len(asked)} were run at {now:%H:%M:%S} UTC."
        )
        masker = MASKER.get()
        return bounded(
            "\n".join((head, *(masker.text(one, _ROW) for one in lines))), narrower="name a target"
        )

    def _known(self) -> str:
        kinds = {
            kind: [one.target for one in self._outside.checks if one.kind == kind]
            for kind in get_args(CheckKind)
        }
        return "; ".join(f"{kind}: {', '.join(found)}" for kind, found in kinds.items() if found) or "none"


async def _look(check: Check, now: datetime) -> list[str]:
    return [_told(check, await check.run(now))]


def _told(check: Check, found: Finding) -> str:
    verdict = {True: "fine", False: "NOT FINE", None: "seen"}[found.fine]
    figures = "".join(f"; {name} {value}" for name, value in found.figures.items())
    return f"{check.kind} {check.target} ({check.what}): {verdict}, {found.words}{figures}"
