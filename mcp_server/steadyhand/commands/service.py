"""`steadyhand serve`: the control service; `steadyhand worker`: more hands on its store."""

import subprocess
import sys
from pathlib import Path

from steadyhand import server
from steadyhand.config import home, load
from steadyhand.ports import ConfigError

_LAST_PORT = 65_535


def serve(config: Path, port: int | None, *, detach: bool) -> int:
    """Run the service until it is told to stop. Raises ConfigError, LedgerError."""
    loaded = load(config)
    if port is not None:
        if not 1 <= port <= _LAST_PORT:
            raise ConfigError(f"--port {port}: a port is a number from 1 to {_LAST_PORT}")
        listen = loaded.listen.model_copy(update={"port": port})
        loaded = loaded.model_copy(update={"listen": listen})
    if detach:
        return _detach(config, loaded.listen.port)
    return server.run(loaded, home())


def work(config: Path) -> int:
    """Work on the store beside the service until told to stop. Raises ConfigError, LedgerError."""
    return server.work(load(config), home())


def _detach(config: Path, port: int) -> int:
    folder = home()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / "service.log"
    command = [sys.executable, "-m", "steadyhand", "serve", "--config", str(config), "--port", str(port)]
    with log.open("ab") as out:
        child = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    answered = server.wait_until_up(folder, child)
    if not answered:
        raise ConfigError(f"the service did not start; {log} says why")
    sys.stdout.write(f"Steadyhand runs at {answered}; its log is {log}\n")
    return 0
