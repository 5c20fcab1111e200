"""A database held in memory: what a probe sees, and what a hand may change."""

from datetime import datetime
from typing import assert_never

from steadyhand.journey.evidence.model import DatabaseReport, Index
from steadyhand.journey.remedy.model import (
    CancelBackend,
    CreateIndex,
    DatabaseAction,
    DropIndex,
    EffectState,
    EndSession,
    SetSetting,
)
from steadyhand.ports import SourceError


class MemoryDatabase:
    """A DatabaseProbe and a DatabaseHand over the same indexes, settings and sessions."""

    def __init__(self, report: DatabaseReport, name: str = "memory-database") -> None:
        self.name = name
        self.report = report
        self.indexes = {one.name: one for one in report.indexes}
        self.building: set[str] = set()
        self.settings: dict[str, str | None] = {}
        self.busy: set[tuple[int, datetime]] = set()
        self.statements: list[str] = []
        self.failure: SourceError | None = None

    async def look(self, at: datetime) -> DatabaseReport:
        """The report it was given, with the indexes as they are now; a failure becomes a gap."""
        if self.failure is not None:
            return DatabaseReport(database=self.name, at=at, gaps=(str(self.failure),))
        return self.report.model_copy(update={"at": at, "indexes": tuple(self.indexes.values())})

    async def state(self, action: DatabaseAction) -> EffectState:
        """How far it is from what the action wants; raises `failure` when one is set."""
        self._may_fail()
        match action:
            case CreateIndex():
                return self._built(action.name)
            case DropIndex():
                return "not done" if action.name in self.indexes else "done"
            case CancelBackend() | EndSession():
                return "not done" if (action.pid, action.backend_start) in self.busy else "done"
            case SetSetting():
                return "done" if self.settings.get(action.name) == action.value else "not done"
            case _:
                assert_never(action)

    async def act(self, action: DatabaseAction) -> None:
        """Do it at once; an invalid leftover of an index's name is replaced."""
        self._may_fail()
        match action:
            case CreateIndex():
                self._create(action)
            case DropIndex():
                self.statements.append(f"drop {action.name}")
                self.indexes.pop(action.name, None)
            case CancelBackend():
                self.statements.append(f"cancel {action.pid}")
                self.busy.discard((action.pid, action.backend_start))
            case EndSession():
                self.statements.append(f"end {action.pid}")
                self.busy.discard((action.pid, action.backend_start))
            case SetSetting():
                self.statements.append(f"set {action.name} {action.value}")
                self.settings[action.name] = action.value
            case _:
                assert_never(action)

    def by_hand(self, action: DatabaseAction) -> str:
        """What a person would type if there were anything to type it into."""
        return f"{action.kind} in {action.database}"

    def _create(self, action: CreateIndex) -> None:
        self.statements.append(f"create {action.name}")
        self.building.discard(action.name)
        self.indexes[action.name] = Index(
            name=action.name, table=action.table, columns=action.columns, valid=True
        )

    def _built(self, name: str) -> EffectState:
        if name in self.building:
            return "under way"
        if name not in self.indexes:
            return "not done"
        return "done" if self.indexes[name].valid else "broken"

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure
