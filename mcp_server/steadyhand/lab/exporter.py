"""What PostgreSQL and Redis say about themselves.

python -m steadyhand.lab.exporter PORT DSN_FILE REDIS_PORT
"""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from steadyhand.lab.layout import HOST

_LIMIT_S = 2
_SESSIONS = """
SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'),
       count(*) FILTER (WHERE state = 'idle in transaction'),
       coalesce(max(extract(epoch FROM now() - xact_start)) FILTER (WHERE state <> 'idle'), 0)::float
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_STATES = """
SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1
"""
_TABLES = "SELECT relname, seq_scan, seq_tup_read, coalesce(idx_scan, 0) FROM pg_stat_user_tables"
_REDIS_GAUGES = {"redis_memory_used_bytes": "used_memory", "redis_memory_max_bytes": "maxmemory"}
_REDIS_COUNTERS = {
    "redis_keyspace_hits": "keyspace_hits",
    "redis_keyspace_misses": "keyspace_misses",
    "redis_evicted_keys": "evicted_keys",
}


class PostgresCollector(Collector):
    """Sessions and table scans, read anew at each scrape."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def collect(self) -> Iterator[Metric]:
        """The present figures; only `pg_up 0` while the server cannot be asked."""
        try:
            found = list(self._read())
        except psycopg.Error:
            self._connection = None
            yield GaugeMetricFamily("pg_up", "Whether PostgreSQL answers", 0)
            return
        yield GaugeMetricFamily("pg_up", "Whether PostgreSQL answers", 1)
        yield from found

    def _read(self) -> Iterator[Metric]:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=_LIMIT_S,
                application_name="lab-exporter",
                options=f"-c statement_timeout={_LIMIT_S}s",
            )
        blocked, idle, oldest = self._connection.execute(_SESSIONS).fetchall()[0]
        yield GaugeMetricFamily("pg_blocked_sessions", "Sessions waiting for a lock", float(str(blocked)))
        yield GaugeMetricFamily("pg_idle_in_transaction", "Sessions idle in transaction", float(str(idle)))
        yield GaugeMetricFamily("pg_oldest_transaction_seconds", "Oldest transaction", float(str(oldest)))
        states = GaugeMetricFamily("pg_stat_activity_count", "Sessions by state", labels=["state"])
        for state, count in self._connection.execute(_STATES).fetchall():
            states.add_metric([str(state)], float(str(count)))
        yield states
        yield from self._tables(self._connection)

    @staticmethod
    def _tables(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[Metric]:
        rows = connection.execute(_TABLES).fetchall()
        for position, name in enumerate(("seq_scan", "seq_tup_read", "idx_scan"), start=1):
            family = CounterMetricFamily(f"pg_table_{name}", f"{name} of a table", labels=["table"])
            for row in rows:
                family.add_metric([str(row[0])], float(str(row[position])))
            yield family


class RedisCollector(Collector):
    """Memory and keyspace figures, read anew at each scrape."""

    def __init__(self, port: int) -> None:
        self._client = redis.Redis(HOST, port, socket_timeout=_LIMIT_S, socket_connect_timeout=_LIMIT_S)

    def collect(self) -> Iterator[Metric]:
        """The present figures; only `redis_up 0` while the server cannot be asked."""
        try:
            info = self._client.info()
        except redis.RedisError:
            yield GaugeMetricFamily("redis_up", "Whether Redis answers", 0)
            return
        yield GaugeMetricFamily("redis_up", "Whether Redis answers", 1)
        for name, key in _REDIS_GAUGES.items():
            yield GaugeMetricFamily(name, key, float(info[key]))
        for name, key in _REDIS_COUNTERS.items():
            yield CounterMetricFamily(name, key, float(info[key]))


if __name__ == "__main__":
    registry = CollectorRegistry()
    registry.register(PostgresCollector(Path(sys.argv[2]).read_text()))
    registry.register(RedisCollector(int(sys.argv[3])))
    start_http_server(int(sys.argv[1]), addr=HOST, registry=registry)
    signal.pause()
