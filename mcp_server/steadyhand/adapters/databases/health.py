"""How a PostgreSQL server is kept: who is connected, dead rows and bloat, vacuum, replicas, transaction ids.

Nothing here opens a table: all is statistics and shared memory, so a locked table holds up none of it.
"""

from typing import Any

from steadyhand.adapters.databases.link import Link
from steadyhand.journey.evidence.model import Clients, Replica, TableHealth, TransactionIds

CLIENTS = """
select coalesce(application_name, ''), coalesce(host(client_addr), 'local'), coalesce(usename::text, ''),
       coalesce(nullif(state, ''), 'hidden'), count(*)::int
from pg_stat_activity
where pid <> pg_backend_pid()
  and (backend_type = 'client backend' or (backend_type is null and datid is not null))
group by 1, 2, 3, 4
order by 5 desc, 1, 2, 3, 4
limit 40
"""

# Pages a table would need if its live rows lay side by side: rows x (header 24 + item pointer 4 + mean width,
# padded to 8), against the pages it has. An estimate from statistics, and only as fresh as they are.
TABLES = """
with width as (
    select schemaname, tablename, sum((1 - null_frac) * avg_width)::float8 as bytes
    from pg_stats group by 1, 2
)
select (case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end)::text,
       s.n_live_tup::bigint, s.n_dead_tup::bigint,
       (c.relpages::bigint * current_setting('block_size')::bigint)::bigint,
       (case when w.bytes is null or c.reltuples <= 0 then null else
           greatest(0, c.relpages - ceil(
               c.reltuples * (28 + ceil(w.bytes / 8) * 8) / (current_setting('block_size')::float8 - 24)
           )) * current_setting('block_size')::bigint
       end)::bigint,
       greatest(s.last_vacuum, s.last_autovacuum), greatest(s.last_analyze, s.last_autoanalyze),
       age(c.relfrozenxid)::bigint
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_stat_user_tables s on s.relid = c.oid
left join width w on w.schemaname = n.nspname and w.tablename = c.relname
where c.relkind = 'r' and c.relfrozenxid <> '0'
order by s.n_dead_tup desc, c.relpages desc
limit 20
"""

REPLICAS = """
select coalesce(nullif(application_name, ''), 'replica'), state::text,
       (case when pg_is_in_recovery() then null
             else pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) end)::bigint,
       extract(epoch from replay_lag)::float8
from pg_stat_replication
union all
select 'slot ' || slot_name, case when active then 'active' else 'INACTIVE: keeps WAL' end,
       (case when pg_is_in_recovery() then null
             else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end)::bigint,
       null
from pg_replication_slots where not active
union all
select 'this standby', 'behind its primary', null,
       extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8
where pg_is_in_recovery()
"""

IDS = """
select max(age(datfrozenxid))::bigint, current_setting('autovacuum_freeze_max_age')::bigint from pg_database
"""


async def clients(link: Link) -> tuple[Clients, ...]:
    """Connections by application, address, role and state, most first. Raises SourceError."""
    rows: Any = await link.rows(CLIENTS)
    return tuple(
        Clients(application=app, address=address, role=role, state=state, count=count)
        for app, address, role, state, count in rows
    )


async def table_health(link: Link) -> tuple[TableHealth, ...]:
    """Dead rows, estimated bloat and vacuum of the tables that need it most. Raises SourceError."""
    rows: Any = await link.rows(TABLES)
    return tuple(
        TableHealth(
            table=table,
            live_rows=live,
            dead_rows=dead,
            bytes=size,
            bloat_bytes=bloat,
            vacuumed_at=vacuumed,
            analysed_at=analysed,
            xid_age=age,
        )
        for table, live, dead, size, bloat, vacuumed, analysed, age in rows
    )


async def replicas(link: Link) -> tuple[Replica, ...]:
    """Who follows this server, or how far it is behind, and slots that keep its log. Raises SourceError."""
    rows: Any = await link.rows(REPLICAS)
    return tuple(
        Replica(name=name, state=state, lag_bytes=lag, lag_s=lag_s) for name, state, lag, lag_s in rows
    )


async def transaction_ids(link: Link) -> TransactionIds | None:
    """How much of the way to a forced vacuum is gone. Raises SourceError."""
    rows: Any = await link.rows(IDS)
    return TransactionIds(oldest=rows[0][0], freeze_at=rows[0][1]) if rows else None
