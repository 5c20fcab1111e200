"""The shop's database work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from steadyhand.lab.shop import metrics

_POOL_MIN, _POOL_MAX = 2, 5
_POOL_TIMEOUT_S = 3.0

_PRODUCT = """
SELECT p.id, p.name, p.price_cents, round(avg(r.rating), 2)::float AS rating, count(*) AS reviews
FROM products p JOIN reviews r ON r.product_id = p.id
WHERE p.category = (SELECT category FROM products WHERE id = %s)
GROUP BY p.id ORDER BY p.id
"""
_LAST_ORDERS = "SELECT id, product_id, total_cents, placed_at::text FROM orders WHERE {} = %s"
_NEWEST_FIRST = " ORDER BY placed_at DESC LIMIT 20"
_BY_CUSTOMER = _LAST_ORDERS.format("customer_id") + _NEWEST_FIRST
_BY_EMAIL = _LAST_ORDERS.format("customer_email") + _NEWEST_FIRST
_FIGURES_BY_EMAIL = (
    "SELECT count(*) FROM orders WHERE customer_email = %s",
    "SELECT coalesce(sum(total_cents), 0) FROM orders WHERE customer_email = %s",
    "SELECT min(placed_at)::text FROM orders WHERE customer_email = %s",
)
_INSERT_ORDER = """
INSERT INTO orders (customer_id, customer_email, product_id, quantity, total_cents, status)
SELECT c.id, c.email, p.id, 1, p.price_cents * (100 - %s) / 100, 'paid'
FROM customers c, products p WHERE c.id = %s AND p.id = %s RETURNING id, total_cents
"""


class Database:
    """A pool of at most five connections and the statements run over it."""

    def __init__(self, dsn: str, application: str) -> None:
        self.pool = AsyncConnectionPool(
            dsn,
            min_size=_POOL_MIN,
            max_size=_POOL_MAX,
            timeout=_POOL_TIMEOUT_S,
            open=False,
            kwargs={"application_name": application},
        )
        self._reserved: list[AsyncConnection[Any]] = []

    async def take(self) -> AsyncConnection[Any]:
        """A connection to be given back with `pool.putconn`. Raises PoolTimeout after 3 s."""
        with metrics.POOL_WAITING.track_inprogress():
            try:
                return await self.pool.getconn()
            except PoolTimeout:
                metrics.POOL_TIMEOUTS.inc()
                raise

    @asynccontextmanager
    async def transaction(self, query: str) -> AsyncIterator[AsyncConnection[Any]]:
        """A transaction, measured under the name `query`."""
        connection = await self.take()
        try:
            with metrics.QUERY.labels(query).time():
                async with connection.transaction():
                    yield connection
        finally:
            await self.pool.putconn(connection)

    def observe_pool(self) -> None:
        """Set the pool's gauges from its own figures."""
        figures = self.pool.get_stats()
        size, idle = figures.get("pool_size", 0), figures.get("pool_available", 0)
        metrics.POOL.labels("max").set(_POOL_MAX)
        metrics.POOL.labels("idle").set(idle)
        metrics.POOL.labels("in_use").set(size - idle)

    async def product(self, number: int) -> list[dict[str, object]]:
        """A product and its category with ratings."""
        async with self.transaction("product") as connection:
            rows = await _all(connection, _PRODUCT, number)
        names = ("id", "name", "price_cents", "rating", "reviews")
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def orders_of(self, customer: int) -> dict[str, object]:
        """The customer's last twenty orders."""
        async with self.transaction("orders") as connection:
            return {"orders": await _all(connection, _BY_CUSTOMER, customer)}

    async def guest_orders(self, email: str) -> dict[str, object]:
        """The orders of the customer with this address."""
        async with self.transaction("customer") as connection:
            found = await _all(connection, "SELECT id FROM customers WHERE email = %s", email)
        return await self.orders_of(found[0][0]) if found else {"orders": []}

    async def orders_by_email(self, email: str) -> dict[str, object]:
        """Every order placed with this address: number, sum, since when, and the last twenty."""
        async with self.transaction("orders") as connection:
            total, spent, since = [(await _all(connection, one, email))[0][0] for one in _FIGURES_BY_EMAIL]
            rows = await _all(connection, _BY_EMAIL, email)
        return {"orders": rows, "total": total, "spent_cents": spent, "since": since}

    async def coupon_percent(self, coupon: int) -> int:
        """What the coupon takes off, read and given back at once."""
        async with self.transaction("coupon") as connection:
            found = await _all(
                connection, "SELECT percent FROM coupons WHERE id = %s AND expires_at > now()", coupon
            )
        return int(found[0][0]) if found else 0

    async def reserve_coupon(self, coupon: int) -> int:
        """As release 2.14.0 does it: an expired coupon returns early, and its connection never comes back."""
        connection = await self.take()
        self._reserved.append(connection)
        statement = "SELECT percent, expires_at > now() FROM coupons WHERE id = %s"
        found = await _all(connection, statement, coupon)
        if not found or not found[0][1]:
            return 0
        await connection.commit()
        self._reserved.remove(connection)
        await self.pool.putconn(connection)
        return int(found[0][0])


async def place_order(
    connection: AsyncConnection[Any], percent: int, customer: int, product: int
) -> tuple[int, int]:
    """Insert one order and take it from stock; returns its number and what it costs, in cents."""
    rows = await _all(connection, _INSERT_ORDER, percent, customer, product)
    await connection.execute("UPDATE products SET stock = stock - 1 WHERE id = %s", (product,))
    return rows[0][0], rows[0][1]


async def _all(connection: AsyncConnection[Any], statement: str, *values: object) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement.encode(), values)
    return await cursor.fetchall()
