"""One look into a SQLite file: questions in turn; what fails, or cannot be told, is a gap in words."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from steadyhand.adapters.databases import sqlite_queries as queries
from steadyhand.adapters.databases.plans import FEW
from steadyhand.adapters.databases.questions import Questions
from steadyhand.adapters.databases.sqlite_link import Link, beside, size_of
from steadyhand.adapters.databases.sqlite_statements import statements_of
from steadyhand.adapters.databases.sqlite_twin import Read, Schema, Twin
from steadyhand.adapters.databases.statements import mask
from steadyhand.journey.evidence.model import DatabaseFile, Index, Scan, TableHealth
from steadyhand.ports import SourceRefused

if TYPE_CHECKING:
    from steadyhand.adapters.databases.sqlite import SqliteSettings

_MOST_PLANS = 40
_MOST_VIEWS = 50
_SMALL_FILE = 64 * 1024 * 1024  # how full each page is takes a look at every page


class Look(Questions):
    """Asks one file everything. The answers are in its fields."""

    def __init__(self, link: Link, settings: "SqliteSettings") -> None:
        super().__init__(settings.deadline.total_seconds(), link.gaps)
        self.indexes: tuple[Index, ...] = ()
        self.scans: tuple[Scan, ...] = ()
        self.health: tuple[TableHealth, ...] = ()
        self.file: DatabaseFile | None = None
        self._link = link
        self._settings = settings
        self._views: Sequence[str] = ()
        self._rows: dict[str, int] = {}

    def run(self) -> None:
        """Ask what is cheap, then plan."""
        schema = self.ask("schema", self._schema)
        self.file = self.ask("file", self._file)
        self.health = self.ask("table health", self._tables) or ()
        if schema is None:
            return
        self.indexes = self.ask("indexes", partial(self._all_indexes, schema)) or ()
        texts = statements_of(self._settings, self.gaps)
        if not texts:
            self.gaps.append("statements: none are known, SQLite keeps none; see statements, statements_file")
            return
        try:
            with closing(Twin(schema)) as twin:
                self._plan_all(twin, schema, texts)
        except sqlite3.Error as error:
            self.gaps.append(f"plans: its schema could not be built anew: {error}")

    def _schema(self) -> Schema:
        made = self._link.rows(queries.SCHEMA)
        self._views = [name for kind, name, _ in made if kind == "view"]
        columns = {
            table: [name for (name,) in self._link.rows(queries.COLUMNS, table)]
            for kind, table, _ in made
            if kind == "table"
        }
        ((analysed,),) = self._link.rows(queries.IS_ANALYSED)
        statistics = self._link.rows(queries.STATISTICS) if analysed else []
        return Schema([sql for _, _, sql in made], columns, statistics)

    def _file(self) -> DatabaseFile:
        ((pages, free, size),) = self._link.rows(queries.PAGES)
        journal = beside(self._link.path, "wal" if self._link.wal else "journal")
        return DatabaseFile(
            bytes=pages * size,
            free_bytes=free * size,
            journal="write-ahead log" if self._link.wal else "rollback journal",
            journal_bytes=size_of(journal),
            problems=(*self._damaged(), *self._broken_views()),
        )

    def _damaged(self) -> Sequence[str]:
        said = self.ask("check", partial(self._link.rows, queries.CHECK)) or ()
        return [str(line)[:300] for (line,) in said if line != "ok"]

    def _broken_views(self) -> Sequence[str]:
        """Views that name what is no longer there: whoever reads them fails."""
        found = []
        for name in self._views[:_MOST_VIEWS]:
            try:
                self._link.rows(queries.named(queries.VIEW, view=name))
            except SourceRefused as error:
                found.append(f"view {name}: {error.why}")
        return found

    def _tables(self) -> tuple[TableHealth, ...]:
        """How full the pages of each table are; only of a file that is read in a moment."""
        if self.file is None or self.file.bytes > _SMALL_FILE:
            self.gaps.append("table health: how full pages are is looked at in files up to 64 MB only")
            return ()
        return tuple(
            TableHealth(table=table, live_rows=live, dead_rows=0, bytes=size, bloat_bytes=unused)
            for table, size, unused, live in self._link.rows(queries.TABLES)
        )

    def _all_indexes(self, schema: Schema) -> tuple[Index, ...]:
        return tuple(
            Index(name=index, table=table, columns=tuple(columns), valid=True)
            for table in schema.columns
            for index, columns in self._indexes_of(table).items()
        )

    def _indexes_of(self, table: str) -> dict[str, list[str]]:
        """A partial index, or one on an expression, shows that in its columns: it covers no plain filter."""
        found: dict[str, list[str]] = {}
        for index, is_partial, column in self._link.rows(queries.INDEXES, table):
            shown = (column or "(expression)") + (" (partial)" if is_partial else "")
            found.setdefault(index, []).append(shown)
        return found

    def _plan_all(self, twin: Twin, schema: Schema, texts: Sequence[str]) -> None:
        found: dict[tuple[str, tuple[str, ...]], Scan] = {}
        for text in texts[:_MOST_PLANS]:
            for scan in self.ask("plan", partial(self._lacking, twin, schema, text)) or ():
                found.setdefault((scan.table, scan.columns), scan)
        if len(texts) > _MOST_PLANS:
            self.gaps.append(f"plans: {len(texts) - _MOST_PLANS} more statements were not planned")
        self.scans = tuple(found.values())

    def _lacking(self, twin: Twin, schema: Schema, text: str) -> Sequence[Scan]:
        """The whole scans of a statement that an index would spare. Raises SourceError."""
        try:
            wanted = [(one, twin.better(text, one)) for one in twin.whole(text) if self._big(one, schema)]
        except sqlite3.Error as error:
            raise SourceRefused(self._settings.name, f"{mask(text)[:100]}: {error}") from error
        return [
            Scan(
                table=read.table,
                columns=better.columns,
                rows=self._count(read.table, schema),
                query=mask(text),
                verdict=f"the planner would use it: {better.shown}",
            )
            for read, better in wanted
            if better is not None and self._finds_few(better)
        ]

    def _big(self, read: Read, schema: Schema) -> bool:
        return self._count(read.table, schema) >= self._settings.big_table

    def _count(self, table: str, schema: Schema) -> int:
        """About how many rows: as ANALYZE said, else the span of row ids, else counted up to what is big."""
        if table not in self._rows:
            said = [stat for whose, _, stat in schema.statistics if whose == table]
            self._rows[table] = int(said[0].split()[0]) if said else self._counted(table)
        return self._rows[table]

    def _counted(self, table: str) -> int:
        try:
            ((span,),) = self._link.rows(queries.named(queries.RANGE, table=table))
            return int(span or 0)
        except SourceRefused:  # a table without row ids
            big = self._settings.big_table
            ((count,),) = self._link.rows(queries.named(queries.COUNT, table=table), big)
            return int(count)

    def _finds_few(self, read: Read) -> bool:
        """Whether equal values leave little of the table, as far as its first rows tell."""
        asked = queries.named(queries.DISTINCT, columns=read.equal, table=read.table)
        ((distinct,),) = self._link.rows(asked)
        return bool(distinct * FEW >= 1)
