"""The questions to MariaDB and MySQL: all of them catalogs and statistics, none locks a table."""

SESSIONS = """
select p.id, p.user, p.host, p.command, p.time, coalesce(p.state, ''), coalesce(p.info, ''),
       coalesce(p.db, '') = database()
from information_schema.processlist p
where p.id <> connection_id() and p.command not in ('Daemon', 'Binlog Dump')
  and p.user not in ('system user', 'event_scheduler')
order by p.time desc
limit 500
"""

TRANSACTIONS = """
select trx_mysql_thread_id, trx_state, greatest(0, timestampdiff(second, trx_started, now()))
from information_schema.innodb_trx
"""

WAITS_MARIADB = """
select r.trx_mysql_thread_id, b.trx_mysql_thread_id
from information_schema.innodb_lock_waits w
join information_schema.innodb_trx r on r.trx_id = w.requesting_trx_id
join information_schema.innodb_trx b on b.trx_id = w.blocking_trx_id
"""

WAITS_MYSQL = """
select r.trx_mysql_thread_id, b.trx_mysql_thread_id
from performance_schema.data_lock_waits w
join information_schema.innodb_trx r on r.trx_id = w.requesting_engine_transaction_id
join information_schema.innodb_trx b on b.trx_id = w.blocking_engine_transaction_id
"""

TABLE_LOCKS = """
select t.processlist_id, concat(l.object_schema, '.', l.object_name), l.lock_type, l.lock_status = 'GRANTED'
from performance_schema.metadata_locks l
join performance_schema.threads t on t.thread_id = l.owner_thread_id and t.processlist_id is not null
join (
  select distinct object_schema, object_name
  from performance_schema.metadata_locks
  where object_type = 'TABLE' and lock_status = 'PENDING'
) w on w.object_schema = l.object_schema and w.object_name = l.object_name
where l.object_type = 'TABLE' and l.lock_status in ('GRANTED', 'PENDING')
limit 2000
"""

LIMITS = """
select @@global.max_connections, @@global.performance_schema,
       @@global.slow_query_log and find_in_set('TABLE', @@global.log_output) > 0
"""

TABLES = """
select table_name, coalesce(table_rows, 0), coalesce(data_length, 0) + coalesce(index_length, 0),
       data_free
from information_schema.tables
where table_schema = database() and table_type = 'BASE TABLE'
order by data_free desc, data_length desc
limit 200
"""

INDEXES = """
select index_name, table_name, column_name
from information_schema.statistics
where table_schema = database()
order by table_name, index_name, seq_in_index
limit 2000
"""

DIGESTS = """
select digest_text, count_star, sum_timer_wait / 1e9 / count_star, max_timer_wait / 1e9,
       sum_rows_examined / count_star, unix_timestamp(first_seen), unix_timestamp(last_seen)
from performance_schema.events_statements_summary_by_digest
where schema_name = database() and digest_text is not null and count_star > 0
order by sum_timer_wait desc
limit 200
"""

SLOW_LOG = """
select convert(sql_text using utf8mb4), time_to_sec(query_time) * 1000 + microsecond(query_time) / 1000,
       rows_examined
from mysql.slow_log
where db = database() and start_time > now() - interval %s second
order by start_time desc
limit 500
"""
