"""Run one replica: python -m steadyhand.lab.shop CONFIG_FILE."""

import asyncio
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from steadyhand.lab.shop.app import Shop
from steadyhand.lab.shop.config import ReplicaConfig
from steadyhand.lab.sockets import listen

_DRAIN_S = 0.7  # longer than the balancer's half second between health checks
_PORT_WAIT_S = 10.0  # until the replica before us has left


class Replica(uvicorn.Server):
    """A server that first tells the balancer it is leaving, then stops."""

    def __init__(self, config: uvicorn.Config, shop: Shop) -> None:
        super().__init__(config)
        self._shop = shop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Fail the health check at once; stop when the balancer has seen it."""
        if self._shop.draining:
            super().handle_exit(sig, frame)
            return
        self._shop.draining = True
        asyncio.get_running_loop().call_later(_DRAIN_S, super().handle_exit, sig, frame)


def main(config_file: str) -> None:
    """Serve until told to stop."""
    config = ReplicaConfig.model_validate_json(Path(config_file).read_text())
    shop = Shop(config)
    server = uvicorn.Config(
        shop.application(), log_level="error", access_log=False, timeout_graceful_shutdown=1, lifespan="on"
    )
    asyncio.run(Replica(server, shop).serve(sockets=[listen(config.port, _PORT_WAIT_S)]))


if __name__ == "__main__":
    main(sys.argv[1])
