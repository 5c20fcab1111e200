"""Whose placeholders a call means: those of one incident, put back for sources only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool

from steadyhand.journey.evidence.masking import Masker, placeholders, put_back, renamed
from steadyhand.responder.hiding import masker_of, numbering
from steadyhand.responder.outside import Outside

# What asks sources. An incident is told them only for its placeholders, so none of them takes it by itself.
ASKING = frozenset(
    {
        "query_logs",
        "query_metrics",
        "list_changes",
        "get_change",
        "get_topology",
        "inspect_database",
        "run_check",
    }
)
_LATEST = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """The incident of one call, "" for none, what is hidden in it, and who masks the answer."""

    incident: str
    masker: Masker
    originals: Mapping[str, str]

    def with_originals(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What a source is asked: originals where the model had placeholders. Raises ToolError.

        Whatever is only kept in our own store keeps its placeholders.
        """
        if tool not in ASKING:
            return dict(arguments)
        named = str(arguments.get("incident_id", ""))
        if named and named != self.incident:
            raise ToolError(f"there is no incident {named}; list_incidents shows them")
        given = {key: one for key, one in arguments.items() if key != "incident_id"}
        self._known(one for one in given.values() if isinstance(one, str))
        return {
            key: put_back(one, self.originals) if isinstance(one, str) else one for key, one in given.items()
        }

    def _known(self, texts: Iterable[str]) -> None:
        unknown = [one for one in placeholders(texts) if one not in self.originals]
        if unknown and not self.incident:
            raise ToolError(f"{unknown[0]} means something in its incident only: give its incident_id")
        if unknown:
            why = "is not known in this incident, or of a kind that is never given back"
            raise ToolError(f"{unknown[0]} {why}; addresses and e-mail addresses of {self.incident} are")

    def told(self, outside: Outside, texts: Sequence[str]) -> Sequence[str]:
        """The texts as they may leave, with the incident's placeholders. Raises LedgerError."""
        safe = [self.masker.swept(one) for one in texts]
        names = numbering(outside, self.incident, self.masker)
        return [renamed(one, names) for one in safe]


def open_scope(outside: Outside, about: str) -> Scope:
    """Of the incident a call is about, else of the only one that is open. Raises LedgerError."""
    incident = about or _only_open(outside)
    with outside.ledger.read() as tx:
        originals = tx.vault.originals(incident) if incident else {}
    return Scope(incident, masker_of(outside, incident), originals)


def _only_open(outside: Outside) -> str:
    with outside.ledger.read() as tx:
        found = [one.id for one in tx.incidents(_LATEST, open_first=True) if one.status != "resolved"]
    return found[0] if len(found) == 1 else ""


def scoped(tool: Tool) -> Tool:
    """The tool; one that asks sources may be told whose placeholders are meant."""
    if tool.name in ASKING:
        told = {"type": "string", "description": "Whose <ip-1>."}
        tool.parameters.setdefault("properties", {})["incident_id"] = told
    return tool
