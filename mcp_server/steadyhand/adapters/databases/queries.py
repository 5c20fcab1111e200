"""The probe's questions. Those that touch only shared memory and catalogs come first; none locks a table."""

SESSIONS = """
select pid,
       coalesce(application_name, ''),
       coalesce(state, ''),
       coalesce(wait_event_type || '/' || wait_event, ''),
       coalesce(extract(epoch from clock_timestamp() - xact_start), 0)::float8,
       coalesce(extract(epoch from clock_timestamp() - state_change), 0)::float8,
       coalesce(extract(epoch from
           case when state = 'active' then clock_timestamp() else state_change end - query_start), 0)::float8,
       coalesce(query, ''),
       case when wait_event_type = 'Lock' then pg_blocking_pids(pid) else '{}' end,
       datname is not distinct from current_database(),
       backend_start,
       query_start,
       xact_start
from pg_stat_activity
where pid <> pg_backend_pid()
  and (backend_type in ('client backend', 'autovacuum worker')
       or (backend_type is null and datid is not null))  -- hidden from this role
order by xact_start nulls last
limit 500
"""

LIMITS = """
select current_setting('max_connections')::int,
       pg_size_bytes(current_setting('track_activity_query_size'))::int,
       array(select name::text from pg_settings where pending_restart order by name),
       (select setting::int from pg_settings
        where name = 'idle_in_transaction_session_timeout' and source = 'default')
"""

# Planning a write asks for the right to write, and a refusal would stand in the server's own log.
MAY_WRITE = "select coalesce(has_table_privilege(to_regclass(%s), 'update, delete'), false)"

TABLES = """
select s.relid::bigint, s.schemaname::text, s.relname::text, pg_table_is_visible(s.relid),
       greatest(c.reltuples, s.n_live_tup, 0)::bigint,
       coalesce(s.seq_scan, 0)::bigint, coalesce(s.seq_tup_read, 0)::bigint, coalesce(s.idx_scan, 0)::bigint,
       extract(epoch from clock_timestamp())::float8
from pg_stat_user_tables s join pg_class c on c.oid = s.relid
order by s.seq_tup_read desc nulls last
limit 200
"""

# A partial index or one on an expression shows that in its columns, so that it covers no plain filter.
INDEXES = """
select i.relname::text,
       (case when pg_table_is_visible(t.oid) then t.relname else n.nspname || '.' || t.relname end)::text,
       array(select coalesce(a.attname::text, '(expression)')
                    || case when x.indpred is null then '' else ' (partial)' end
             from generate_series(0, x.indnkeyatts - 1) as k
             left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[k] and a.attnum > 0
             order by k),
       x.indisvalid
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_class t on t.oid = x.indrelid
join pg_namespace n on n.oid = t.relnamespace
where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema')
order by t.relname, i.relname
limit 1000
"""

STATEMENTS_SCHEMA = """
select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
"""

STATEMENTS = """
select queryid, query, calls, total_exec_time
from {schema}.pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null
order by total_exec_time desc
limit 200
"""

PARAMETERS = "select cardinality(parameter_types) from pg_prepared_statements where name = 'steadyhand_plan'"
