"""The payment provider, a third party: python -m steadyhand.lab.payments PORT CONTROL_FILE.

The control file says how long an answer takes and with which status, and is read anew for each call.
"""

import asyncio
import random
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from steadyhand.lab.knobs import Manner, read
from steadyhand.lab.layout import HOST

_JITTER = (0.7, 1.3)
_JITTER_BELOW_S = 5.0


def application(control: Path) -> Starlette:
    """The provider's one route."""

    async def charge(_: Request) -> Response:
        manner = read(Manner, control)
        jitter = random.uniform(*_JITTER) if manner.delay_s < _JITTER_BELOW_S else 1.0
        await asyncio.sleep(manner.delay_s * jitter)
        return JSONResponse({"paid": manner.status == 200}, manner.status)  # noqa: PLR2004 - HTTP's OK

    return Starlette(routes=[Route("/charge", charge, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[2])),
        host=HOST,
        port=int(sys.argv[1]),
        log_level="error",
        timeout_graceful_shutdown=1,
    )
