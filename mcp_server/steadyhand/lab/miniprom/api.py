"""Prometheus' HTTP API over a store: queries, series, labels, alerts."""

import math
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from steadyhand.lab.miniprom import VERSION
from steadyhand.lab.miniprom.answers import (
    alert_answer,
    failure,
    instant_answer,
    matrix_answer,
    raw_answer,
    success,
)
from steadyhand.lab.miniprom.arguments import grid, instant
from steadyhand.lab.miniprom.evaluate.engine import Evaluation
from steadyhand.lab.miniprom.evaluate.parse import parse, parse_expr, parse_selector
from steadyhand.lab.miniprom.evaluate.plan import BadQuery, EvaluationError, NotCovered, Window
from steadyhand.lab.miniprom.ranges import DEADLINE_S, evaluate_range
from steadyhand.lab.miniprom.samples import Series, Store
from steadyhand.lab.miniprom.watch import Watch

Arguments = ImmutableMultiDict[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]


class Api:
    """The endpoints; each answers with the data of Prometheus' JSON or raises a named error."""

    def __init__(self, store: Store, watch: Watch, clock: Callable[[], int]) -> None:
        self._store = store
        self._watch = watch
        self._clock = clock

    async def query(self, given: Arguments) -> object:
        """Answer at one instant."""
        query, at = parse(_required(given, "query")), instant(given, "time", self._clock())
        evaluation = Evaluation(self._store)
        if isinstance(query, Window):
            return raw_answer(evaluation.raw(query, at))
        return instant_answer(evaluation.at(query, at), at)

    async def query_range(self, given: Arguments) -> object:
        """Answer at each instant of a grid."""
        expr = parse_expr(_required(given, "query"))
        return matrix_answer(await evaluate_range(Evaluation(self._store), expr, grid(given).instants))

    async def series(self, given: Arguments) -> object:
        """List the label sets that match."""
        _required(given, "match[]")
        return [dict(labels) for labels in sorted(series.labels for series in self._matching(given))]

    async def labels(self, given: Arguments) -> object:
        """List label names."""
        return sorted({name for series in self._matching(given) for name in series.tags})

    async def label_values(self, given: Arguments) -> object:
        """List the values of the label `name`."""
        name = given["name"]
        return sorted({series.tags[name] for series in self._matching(given) if name in series.tags})

    async def alerts(self, _given: Arguments) -> object:
        """List pending and firing alerts."""
        return {"alerts": [alert_answer(alert) for alert in self._watch.alerts]}

    async def buildinfo(self, _given: Arguments) -> object:
        """Say what this is."""
        return {"version": VERSION}

    def _matching(self, given: Arguments) -> list[Series]:
        low = instant(given, "start") if given.get("start") else -math.inf
        high = instant(given, "end") if given.get("end") else math.inf
        selectors = [parse_selector(text) for text in given.getlist("match[]")]
        every = [series for selector in selectors for series in selector.pick(self._store)]
        found = every if selectors else self._store.every()
        unique = {series.labels: series for series in found}
        return [series for series in unique.values() if series.has_samples(low, high)]


def application(api: Api) -> Starlette:
    """Return the ASGI application."""
    both = ["GET", "POST"]
    return Starlette(
        routes=[
            Route("/api/v1/query", _answered(api.query), methods=both),
            Route("/api/v1/query_range", _answered(api.query_range), methods=both),
            Route("/api/v1/series", _answered(api.series), methods=both),
            Route("/api/v1/labels", _answered(api.labels), methods=both),
            Route("/api/v1/label/{name}/values", _answered(api.label_values)),
            Route("/api/v1/alerts", _answered(api.alerts)),
            Route("/api/v1/status/buildinfo", _answered(api.buildinfo)),
            Route("/-/ready", _ready),
        ]
    )


def _answered(endpoint: Callable[[Arguments], Awaitable[object]]) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(success(await endpoint(await _arguments(request))))
        except (BadQuery, NotCovered) as error:
            return JSONResponse(failure("bad_data", str(error)), status_code=400)
        except EvaluationError as error:
            return JSONResponse(failure("execution", str(error)), status_code=422)
        except TimeoutError:
            reason = f"query timed out after {DEADLINE_S:g} s"
            return JSONResponse(failure("timeout", reason), status_code=503)

    return answer


async def _ready(_request: Request) -> Response:
    return PlainTextResponse(f"{VERSION} is ready.\n")


async def _arguments(request: Request) -> Arguments:
    form = await request.form()
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return ImmutableMultiDict([*request.query_params.multi_items(), *texts, *request.path_params.items()])


def _required(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise BadQuery(f'invalid parameter "{name}": nothing was given')
    return given[name]
