"""A night on call for the stories in which only the store and the worker may be trusted."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from stories.night import Night


@pytest.fixture
def night(request: pytest.FixtureRequest, tmp_path: Path) -> Night:
    """In a file; for stories that use `place`, in one database after the other."""
    both = "place" in request.fixturenames
    night = Night(tmp_path, place=request.getfixturevalue("place") if both else None)
    night.hire()
    return night


@pytest.fixture(scope="package")
def forks() -> Iterator[ForkServerContext]:
    """Processes that begin with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ledger.fleet"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        yield context
