"""The questions to a SQLite file: schema, statistics, pages. Only RANGE, COUNT and DISTINCT read rows."""

from collections.abc import Sequence

SCHEMA = """
select type, name, sql from sqlite_schema
where sql is not null and name not like 'sqlite_%' and sql not like 'create virtual%' and type <> 'trigger'
order by type = 'view', rowid
"""

COLUMNS = "select name from pragma_table_info(?)"

IS_ANALYSED = "select count(*) from sqlite_schema where name = 'sqlite_stat1'"

STATISTICS = "select tbl, idx, stat from sqlite_stat1"

PAGES = """
select page_count, freelist_count, page_size from pragma_page_count, pragma_freelist_count, pragma_page_size
"""

# Of this one table it checks the schema's own pages and the list of free ones, and reads no rows.
CHECK = "pragma integrity_check(sqlite_schema)"

VIEW = "explain select * from {view}"

TABLES = """
select m.tbl_name, sum(s.pgsize), sum(s.unused),
       sum(case when m.type = 'table' and s.pagetype = 'leaf' then s.ncell else 0 end)
from dbstat s join sqlite_schema m on m.name = s.name
group by 1
order by 3 desc
limit 20
"""

INDEXES = """
select l.name, l.partial, c.name from pragma_index_list(?) l, pragma_index_info(l.name) c
order by l.name, c.seqno
"""

RANGE = "select max(rowid) - min(rowid) + 1 from {table}"

COUNT = "select count(*) from (select 1 from {table} limit ?)"

DISTINCT = """
select count(*) from (select distinct {columns} from (select {columns} from {table} limit 10000))
"""


def named(text: str, **names: str | Sequence[str]) -> str:
    """A statement whose {placeholders} become quoted identifiers or lists of them."""
    return text.format(
        **{
            key: quoted(given) if isinstance(given, str) else ", ".join(map(quoted, given))
            for key, given in names.items()
        }
    )


def quoted(name: str) -> str:
    """An identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
