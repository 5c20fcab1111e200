"""The shop's routes."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import psycopg
import redis.asyncio as redis
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from steadyhand.lab.releases import RELEASES
from steadyhand.lab.shop import metrics
from steadyhand.lab.shop.config import ReplicaConfig
from steadyhand.lab.shop.db import Database, place_order
from steadyhand.lab.shop.logs import Journal

_CACHE_TTL_S = 60
_REDIS_TIMEOUT_S = 0.5
_PAYMENT_TIMEOUT_S = 10.0
_STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (PoolTimeout, 503),
    (httpx2.TimeoutException, 504),
    (httpx2.HTTPError, 502),
)
Handle = Callable[[Request], Awaitable[object]]


class Shop:
    """One replica: its neighbours, its release, and whether it is about to leave."""

    def __init__(self, config: ReplicaConfig) -> None:
        self.config = config
        self._leaving = False
        self._behaviour = RELEASES[config.version].behaviour
        self._database = Database(config.postgres_dsn, config.name)
        self._cache = redis.Redis(
            port=config.redis_port, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
        )
        # Nothing of the lab leaves this machine, so a proxy of the environment must not be asked.
        self._payments = httpx2.AsyncClient(
            base_url=config.payments_url, timeout=_PAYMENT_TIMEOUT_S, trust_env=False
        )
        self._journal = Journal(config.log_file, config.name, config.version)
        metrics.BUILD.labels(config.version).set(1)

    def application(self) -> Starlette:
        """The web application."""
        return Starlette(
            routes=[
                Route("/product/{number:int}", self._measured("/product", self._product)),
                Route("/orders", self._measured("/orders", self._orders)),
                Route("/checkout", self._measured("/checkout", self._checkout), methods=["POST"]),
                Route("/healthz", self._health),
                Route("/metrics", self._metrics),
            ],
            lifespan=lambda _: self._open(),
        )

    def _open(self) -> AbstractAsyncContextManager[None]:
        return asynccontextmanager(self._lifespan)()

    async def _lifespan(self) -> AsyncIterator[None]:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._leave)
        await self._database.pool.open(wait=True, timeout=10)
        self._journal.write("INFO", "replica started")
        yield
        self._journal.write("INFO", "replica stopped")
        await self._database.pool.close(timeout=0.2)
        await self._payments.aclose()
        await self._cache.aclose()

    def _leave(self) -> None:
        self._leaving = True

    def _measured(self, route: str, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            started = time.perf_counter()
            with metrics.INFLIGHT.track_inprogress():
                response, error = await _answer(handle, request)
            seconds = time.perf_counter() - started
            metrics.REQUESTS.labels(route, str(response.status_code)).inc()
            metrics.DURATION.labels(route).observe(seconds)
            if error is None:
                self._journal.request(route, response.status_code, seconds)
            else:
                self._journal.failure(route, response.status_code, seconds, error)
            return response

        return endpoint

    async def _product(self, request: Request) -> object:
        number = request.path_params["number"]
        cached = await self._cached(f"product:{number}")
        if cached is not None:
            return cached
        found = {"headline": self._behaviour.headline, "products": await self._database.product(number)}
        await self._remember(f"product:{number}", found)
        return found

    async def _cached(self, key: str) -> object | None:
        try:
            text = await self._cache.get(key)
        except redis.RedisError:
            metrics.CACHE.labels("error").inc()
            return None
        metrics.CACHE.labels("miss" if text is None else "hit").inc()
        return None if text is None else json.loads(text)

    async def _remember(self, key: str, value: object) -> None:
        try:
            await self._cache.set(key, json.dumps(value), ex=_CACHE_TTL_S)
        except redis.RedisError as error:
            self._journal.write("WARNING", "cache write failed", error=f"{type(error).__name__}: {error}")

    async def _orders(self, request: Request) -> object:
        email = request.query_params.get("email")
        if email is None:
            return await self._database.orders_of(int(request.query_params["customer"]))
        if self._behaviour.finds_orders_by_email:
            return await self._database.orders_by_email(email)
        return await self._database.guest_orders(email)

    async def _checkout(self, request: Request) -> object:
        customer, product = int(request.query_params["customer"]), int(request.query_params["product"])
        percent = await self._percent(int(request.query_params.get("coupon", "0")))
        async with self._database.transaction("checkout") as connection:
            number, cents = await place_order(connection, percent, customer, product)
            await self._pay(cents)
        return {"order": number, "total_cents": cents}

    async def _percent(self, coupon: int) -> int:
        if not coupon:
            return 0
        if self._behaviour.reserves_coupons:
            return await self._database.reserve_coupon(coupon)
        return await self._database.coupon_percent(coupon)

    async def _pay(self, cents: int) -> None:
        started, outcome = time.perf_counter(), "error"
        with metrics.OUTBOUND_INFLIGHT.labels("payments").track_inprogress():
            try:
                (await self._payments.post("/charge", json={"cents": cents})).raise_for_status()
                outcome = "ok"
            except httpx2.TimeoutException:
                outcome = "timeout"
                raise
            finally:
                metrics.OUTBOUND.labels("payments", outcome).observe(time.perf_counter() - started)

    async def _health(self, _: Request) -> Response:
        status = 503 if self._leaving else 200
        return JSONResponse({"replica": self.config.name, "version": self.config.version}, status)

    async def _metrics(self, _: Request) -> Response:
        self._database.observe_pool()
        return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _answer(handle: Handle, request: Request) -> tuple[Response, Exception | None]:
    try:
        return JSONResponse(await handle(request)), None
    except (psycopg.Error, httpx2.HTTPError) as error:
        status = next((code for kind, code in _STATUS_OF if isinstance(error, kind)), 500)
        return JSONResponse({"error": "temporarily unavailable"}, status), error
