"""What the shop's database holds when the lab starts."""

import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
from psycopg import AsyncConnection, sql

PRODUCTS = 400
CUSTOMERS = 60_000
COUPONS = 1_000
_FIRST_ORDERS = 600_000
_MOST_ORDERS = 3_000_000
_SCAN_CPU_S = (
    0.125  # a guest's page in release 2.15.0 reads the table four times: half a second on any machine
)
_SCAN = b"SELECT count(*) FROM orders WHERE customer_email = 'nobody@example.com'"


def email_of(customer: int) -> str:
    """The e-mail address of a customer."""
    return f"customer{customer}@example.com"


async def seed(connection: AsyncConnection[Any]) -> int:
    """Create roles, tables and rows; returns how many orders there are.

    There are so many that reading all of them costs this machine 0.125 s of processor time, slow or fast.
    """
    async with connection.transaction():
        await connection.execute(_file("schema.sql"))
        await _add_orders(connection, 1, _FIRST_ORDERS)
        wanted = int(_FIRST_ORDERS * _SCAN_CPU_S / await _scan_cpu_s(connection))
        orders = max(_FIRST_ORDERS, min(_MOST_ORDERS, wanted))
        await _add_orders(connection, _FIRST_ORDERS + 1, orders)
        await connection.execute(_file("indexes.sql"))
    await connection.execute("VACUUM (FREEZE, ANALYZE)")
    await connection.execute("SELECT pg_stat_statements_reset(), pg_stat_reset()")
    return orders


async def _add_orders(connection: AsyncConnection[Any], first: int, last: int) -> None:
    statement = sql.SQL(
        "INSERT INTO orders"
        " (customer_id, customer_email, product_id, quantity, total_cents, status, placed_at)"
        " SELECT c, 'customer' || c || '@example.com', 1 + n % {products}, 1 + n % 3,"
        " 500 + n % 9000, 'paid', now() - n * interval '20 s'"
        " FROM (SELECT n, 1 + (n::bigint * 7919) % {customers} AS c"
        " FROM generate_series({first}, {last}) n) s"
    ).format(products=PRODUCTS, customers=CUSTOMERS, first=first, last=last)
    await connection.execute(statement)


async def _scan_cpu_s(connection: AsyncConnection[Any]) -> float:
    """Processor time of one full read, so that a busy machine does not look slow."""
    backend = psutil.Process(connection.info.backend_pid)
    await connection.execute(_SCAN)  # the first read also marks the rows as committed
    before, began = backend.cpu_times().user, time.monotonic()
    for _ in range(3):
        await connection.execute(_SCAN)
    spent = backend.cpu_times().user - before
    return float(min(max(spent, 0.03), time.monotonic() - began)) / 3


def _file(name: str) -> bytes:
    return (Path(__file__).parent / name).read_bytes()
