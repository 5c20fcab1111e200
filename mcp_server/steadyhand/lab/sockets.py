"""Taking a port, and seeing whether it can be taken."""

import socket
import time

from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import HOST, Layout

_BACKLOG = 128
_PAUSE_S = 0.03


def listen(port: int, wait_s: float = 0.0) -> socket.socket:
    """A socket that listens on the port; waits for its owner to leave. Raises OSError after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return _bound(port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)


def _bound(port: int) -> socket.socket:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((HOST, port))
        taken.listen(_BACKLOG)
    except OSError:
        taken.close()
        raise
    return taken


def require_free_ports(layout: Layout) -> None:
    """Raise LabError, naming port and role, when another process listens where the lab wants to."""
    for role, port in layout.roles():
        try:
            _bound(port).close()
        except OSError as error:
            raise LabError(
                f"port {port}, wanted for {role}, cannot be had ({error.strerror}); "
                "stop what listens there or choose another base port"
            ) from error
