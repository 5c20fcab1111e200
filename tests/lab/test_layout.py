import socket
from contextlib import suppress
from pathlib import Path

import pytest

from steadyhand.lab.failure import LabError
from steadyhand.lab.layout import ARMS, REPLICAS, Layout
from steadyhand.lab.sockets import require_free_ports


def test_no_two_roles_share_a_port() -> None:
    ports = [port for _, port in Layout(Path("/x"), 21400).roles()]
    assert len(ports) == len(set(ports)) == 10 + len(ARMS) * len(REPLICAS)
    assert min(ports) == 21400
    assert max(ports) < 21430


def _taken() -> socket.socket:
    """A listener below the ports that tests beside this one are given, so that those before it are free."""
    for port in range(21_003, 22_000, 10):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise AssertionError("no port is free")


def test_a_taken_port_is_named_with_its_role() -> None:
    with _taken() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=rf"port {port}, wanted for postgres"):
            require_free_ports(Layout(Path("/x"), port - 3))
