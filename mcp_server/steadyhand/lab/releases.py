"""The shop's releases: what each of them changed, as its authors described it, and how it behaves."""

from dataclasses import dataclass

BASELINE = "2.13.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a release does differently from the baseline."""

    headline: str = "Everything for the garden"
    reserves_coupons: bool = False
    finds_orders_by_email: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of the shop with the record its deployment leaves."""

    version: str
    author: str
    summary: str
    diff: str = ""
    behaviour: Behaviour = Behaviour()


_HEADLINE_DIFF = """\
--- a/shop/texts.py
+++ b/shop/texts.py
@@ -3,4 +3,4 @@
 TEXTS = {
-    "headline": "Everything for the garden",
+    "headline": "Everything for your garden",
     "cart": "Your basket",
 }
"""

_COUPON_DIFF = """\
--- a/shop/checkout.py
+++ b/shop/checkout.py
@@ -41,4 +41,16 @@ class Checkout:
+    async def _reserve(self, coupon: int) -> int:
+        connection = await self.pool.getconn()
+        cursor = await connection.execute(
+            "SELECT percent, expires_at > now() FROM coupons WHERE id = %s", (coupon,)
+        )
+        found = await cursor.fetchone()
+        if found is None or not found[1]:
+            return 0
+        await connection.commit()
+        await self.pool.putconn(connection)
+        return found[0]
+
     async def place(self, order: Order) -> Receipt:
+        percent = await self._reserve(order.coupon) if order.coupon else 0
         async with self.database.connection() as connection:
-            percent = await coupon_percent(connection, order.coupon)
             number = await insert_order(connection, order, percent)
"""

_EMAIL_DIFF = """\
--- a/shop/orders.py
+++ b/shop/orders.py
@@ -18,3 +18,6 @@ class Orders:
     async def of_guest(self, email: str) -> OrderPage:
-        customer = await self._one("SELECT id FROM customers WHERE email = %s", email)
-        return await self.of_customer(customer)
+        total = await self._one("SELECT count(*) FROM orders WHERE customer_email = %s", email)
+        spent = await self._one("SELECT sum(total_cents) FROM orders WHERE customer_email = %s", email)
+        since = await self._one("SELECT min(placed_at) FROM orders WHERE customer_email = %s", email)
+        rows = await self._all(LAST_ORDERS + " WHERE customer_email = %s" + NEWEST_FIRST, email)
+        return OrderPage(rows, total=total, spent=spent, since=since)
"""

_ALL = (
    Release(version=BASELINE, author="h.lindqvist", summary="Weekly release: translations, new footer"),
    Release(
        version="2.13.1",
        author="m.okafor",
        summary="Reword the headline of the start page",
        diff=_HEADLINE_DIFF,
        behaviour=Behaviour(headline="Everything for your garden"),
    ),
    Release(
        version="2.14.0",
        author="j.ferreira",
        summary="Reserve the coupon before payment",
        diff=_COUPON_DIFF,
        behaviour=Behaviour(reserves_coupons=True),
    ),
    Release(
        version="2.15.0",
        author="s.iyer",
        summary="Look orders up by e-mail address, so that guests see all of theirs",
        diff=_EMAIL_DIFF,
        behaviour=Behaviour(finds_orders_by_email=True),
    ),
)
RELEASES = {one.version: one for one in _ALL}
