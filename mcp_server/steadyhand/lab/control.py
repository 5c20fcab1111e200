"""The platform's HTTP door: JSON in and out, behind a bearer token."""

import json
from collections.abc import Awaitable, Callable
from secrets import compare_digest

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.lab.failure import LabError
from steadyhand.lab.knobs import Pace, pace_file, turn
from steadyhand.lab.layout import Layout
from steadyhand.lab.production import Order, Production

Handle = Callable[[Request], Awaitable[BaseModel]]


def application(layout: Layout, production: Production, token: str) -> Starlette:
    """The routes; every one needs the token."""

    async def state(_: Request) -> BaseModel:
        return await production.state()

    async def release(request: Request) -> BaseModel:
        return await production.release(Order.model_validate(await request.json()))

    async def inject(request: Request) -> BaseModel:
        return await production.inject(request.path_params["name"])

    async def clear(_: Request) -> BaseModel:
        return await production.clear()

    async def load(request: Request) -> BaseModel:
        pace = Pace.model_validate(await request.json())
        turn(pace_file(layout), pace)
        return pace

    return Starlette(
        routes=[
            Route("/state", _guarded(state, token)),
            Route("/releases", _guarded(release, token), methods=["POST"]),
            Route("/faults/clear", _guarded(clear, token), methods=["POST"]),
            Route("/faults/{name}", _guarded(inject, token), methods=["POST"]),
            Route("/load", _guarded(load, token), methods=["POST"]),
        ]
    )


def _guarded(handle: Handle, token: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if not compare_digest(request.headers.get("authorization", ""), f"Bearer {token}"):
            return JSONResponse({"error": "a bearer token is needed; lab.json has it"}, 401)
        try:
            answer = await handle(request)
        except (ValidationError, json.JSONDecodeError) as error:
            return JSONResponse({"error": f"not understood: {error}"}, 422)
        except LabError as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse(answer.model_dump(mode="json"))

    return endpoint
