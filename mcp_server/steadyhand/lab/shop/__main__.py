"""Run one replica: python -m steadyhand.lab.shop CONFIG_FILE.

SIGUSR1 makes it fail its health check, so that the balancer leaves it alone; SIGTERM stops it.
"""

import asyncio
import sys
from pathlib import Path

import uvicorn

from steadyhand.lab.shop.app import Shop
from steadyhand.lab.shop.config import ReplicaConfig
from steadyhand.lab.sockets import listen

_PORT_WAIT_S = 10.0  # until the replica before us has left
_GRACE_S = 1


def main(config_file: str) -> None:
    """Serve until told to stop."""
    config = ReplicaConfig.model_validate_json(Path(config_file).read_text())
    server = uvicorn.Config(
        Shop(config).application(),
        log_level="error",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
    )
    asyncio.run(uvicorn.Server(server).serve(sockets=[listen(config.port, _PORT_WAIT_S)]))


if __name__ == "__main__":
    main(sys.argv[1])
