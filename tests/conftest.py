"""What holds for every test."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("gate", deadline=None)  # a machine that is busy proves nothing about the code
settings.load_profile("gate")


@pytest.fixture(scope="session", autouse=True)
def _no_proxy_on_loopback() -> Iterator[None]:
    """Tests speak to this machine only; a proxy of the environment would not know what to do with that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost,::1")
        patch.setenv("no_proxy", "127.0.0.1,localhost,::1")
        yield
