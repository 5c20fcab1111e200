"""A database held in memory: what a probe sees, and the indexes a hand may build."""

from datetime import datetime

from steadyhand.journey.evidence.model import DatabaseReport, Index
from steadyhand.journey.remedy.model import CreateIndex, DropIndex, IndexState
from steadyhand.ports import SourceError


class MemoryDatabase:
    """A DatabaseProbe and a DatabaseHand over the same indexes."""

    def __init__(self, report: DatabaseReport, name: str = "memory-database") -> None:
        self.name = name
        self.report = report
        self.indexes = {one.name: one for one in report.indexes}
        self.building: set[str] = set()
        self.statements: list[str] = []
        self.failure: SourceError | None = None

    async def look(self, at: datetime) -> DatabaseReport:
        """The report it was given, with the indexes as they are now; a failure becomes a gap."""
        if self.failure is not None:
            return DatabaseReport(database=self.name, at=at, gaps=(str(self.failure),))
        return self.report.model_copy(update={"at": at, "indexes": tuple(self.indexes.values())})

    async def index_state(self, index: str) -> IndexState:
        """One of absent, building, invalid, valid; raises `failure` when one is set."""
        self._may_fail()
        if index in self.building:
            return "building"
        if index not in self.indexes:
            return "absent"
        return "valid" if self.indexes[index].valid else "invalid"

    async def create_index(self, action: CreateIndex) -> None:
        """Build it at once; an invalid leftover of the same name is replaced."""
        self._may_fail()
        self.statements.append(f"create {action.name}")
        self.building.discard(action.name)
        self.indexes[action.name] = Index(
            name=action.name, table=action.table, columns=action.columns, valid=True
        )

    async def drop_index(self, action: DropIndex) -> None:
        """Drop it if it exists."""
        self._may_fail()
        self.statements.append(f"drop {action.name}")
        self.indexes.pop(action.name, None)

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure
