"""What the shop measures about itself."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20)

REQUESTS = Counter("shop_requests", "Answers", ["route", "code"])
DURATION = Histogram("shop_request_duration_seconds", "Time to answer", ["route"], buckets=_SECONDS)
INFLIGHT = Gauge("shop_inflight_requests", "Requests being answered")
OUTBOUND = Histogram(
    "shop_outbound_duration_seconds", "Calls to other parties", ["target", "outcome"], buckets=_SECONDS
)
OUTBOUND_INFLIGHT = Gauge("shop_outbound_inflight", "Calls to other parties not answered yet", ["target"])
QUERY = Histogram("shop_db_query_duration_seconds", "Database work", ["query"], buckets=_SECONDS)
CACHE = Counter("shop_cache_requests", "Cache lookups", ["result"])
POOL = Gauge("shop_db_pool_connections", "Database connections of this replica", ["state"])
POOL_WAITING = Gauge("shop_db_pool_waiting", "Requests waiting for a database connection")
POOL_TIMEOUTS = Counter("shop_db_pool_timeouts", "Requests that waited for a connection in vain")
BUILD = Gauge("shop_build_info", "The release this replica runs", ["version"])
