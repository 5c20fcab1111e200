"""What this machine gives: its clock, and the secrets in its environment."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from steadyhand.ports import ConfigError


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one clock

    async def sleep(self, span: timedelta) -> None:
        """Return once `span` has passed."""
        await asyncio.sleep(span.total_seconds())


def secret(name: str) -> SecretStr | None:
    """The secret in this environment variable; None for no name. Raises ConfigError when it is not set."""
    if not name:
        return None
    value = os.environ.get(name, "")  # noqa: TID251 - where secrets are read
    if not value:
        raise ConfigError(f"the environment variable {name} is named in the configuration but not set")
    return SecretStr(value)
