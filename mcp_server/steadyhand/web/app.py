"""The web application: every door of the service, put together."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from steadyhand.ports import ChangeHook
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.outside import Outside
from steadyhand.responder.refusals import Doors
from steadyhand.web.body import LARGEST
from steadyhand.web.bounded import Bounded
from steadyhand.web.console.acts import Acts
from steadyhand.web.console.door import Door
from steadyhand.web.console.on_call import OnCallPage
from steadyhand.web.console.originals import Originals
from steadyhand.web.console.pages import Pages
from steadyhand.web.console.shifts import ShiftForms
from steadyhand.web.console.silences import SilencesPage
from steadyhand.web.console.words import environment
from steadyhand.web.desk import Desk
from steadyhand.web.failures import Failures
from steadyhand.web.headers import SafeHeaders
from steadyhand.web.machine.api import Api
from steadyhand.web.machine.health import Health
from steadyhand.web.machine.intake import Intake
from steadyhand.web.machine.reports import Reports
from steadyhand.web.machine.shifts import Shifts
from steadyhand.web.machine.silences import Silences
from steadyhand.web.names import KnownNames
from steadyhand.web.secret import WebSecrets
from steadyhand.web.turned_away import TurnedAway

_STATIC = Path(__file__).parent / "static"


def build_app(
    outside: Outside,
    secrets: WebSecrets,
    names: Sequence[str] = (),
    mounts: Sequence[Route | Mount] = (),
    lifespan: Lifespan[Starlette] | None = None,
    hooks: Mapping[str, ChangeHook] | None = None,
) -> Starlette:
    """The application. `mounts` bring their own locks.

    `names` are the DNS names under which people may reach it, beside its address.
    """
    desk = Desk(
        outside=outside,
        secrets=secrets,
        alarm=Alarm(outside),
        templates=environment(),
        hooks=hooks or {},
    )
    failures = Failures(desk)
    return Starlette(
        routes=[*_doors(desk), *mounts],
        middleware=_guards(outside, names, failures),
        exception_handlers=failures.handlers(),
        lifespan=lifespan,
    )


def _doors(desk: Desk) -> list[Route | Mount]:
    """Those of machines, then those of people."""
    return [
        *Health(desk).routes(),
        *Intake(desk).routes(),
        *Reports(desk).routes(),
        *Api(desk).routes(),
        *Silences(desk).routes(),
        *Shifts(desk).routes(),
        *Door(desk).routes(),
        *Pages(desk).routes(),
        *OnCallPage(desk).routes(),
        *ShiftForms(desk).routes(),
        *SilencesPage(desk).routes(),
        *Acts(desk).routes(),
        *Originals(desk).routes(),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]


def _guards(outside: Outside, names: Sequence[str], failures: Failures) -> list[Middleware]:
    """What every request passes, the outermost first."""
    return [
        Middleware(TurnedAway, doors=Doors(outside)),
        Middleware(SafeHeaders),
        Middleware(KnownNames, names=names),
        Middleware(Bounded, most=LARGEST, refuse=failures.http),
    ]
