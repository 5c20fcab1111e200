"""What holds for every test."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from servers import postgres, postgres_programs
from stores import KINDS, Place, new_database, prepare

settings.register_profile("gate", deadline=None)  # a machine that is busy proves nothing about the code
settings.load_profile("gate")


@pytest.fixture(scope="session", autouse=True)
def _no_proxy_on_loopback() -> Iterator[None]:
    """Tests speak to this machine only; a proxy of the environment would not know what to do with that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost,::1")
        patch.setenv("no_proxy", "127.0.0.1,localhost,::1")
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL for all tests, Debian's where it is; `place` gives each a database of its own."""
    with postgres(programs=postgres_programs()[-1]) as dsn:
        yield prepare(dsn)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a new store may be: a test that asks for it runs on both databases."""
    if request.param == "sqlite":
        yield tmp_path / "store.db"
        return
    with new_database(request.getfixturevalue("postgres_server")) as dsn:
        yield dsn


@pytest.fixture(autouse=True)
def _no_watchdog_outlives_its_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """A lease whose target was a fake runs out against nobody: its watchdog would try for an hour."""
    yield
    folder = request.node.funcargs.get("tmp_path")
    for path in folder.rglob("*.lease.json") if folder else ():
        with suppress(ValueError):  # a test may have spoiled it; then its watchdog has the lease it last read
            lease = json.loads(path.read_text())
            path.write_text(json.dumps(lease | {"active": False, "sequence": lease["sequence"] + 1}))
