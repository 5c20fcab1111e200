"""How Datadog is reached and signed in to, for its logs and its metrics."""

from collections.abc import Callable
from datetime import timedelta

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Web
from steadyhand.journey.rule import Duration, Rule


class DatadogAccess(Rule):
    """How Datadog is signed in to: an application key of a role that can only read."""

    site: str = Field(default="datadoghq.com", pattern=r"^[a-z0-9.-]+$", description="e.g. datadoghq.eu.")
    url: str = Field(
        default="", pattern=r"^(https?://[^@]+)?$", description="In place of https://api.SITE; for tests."
    )
    api_key_env: str = "DD_API_KEY"
    app_key_env: str = "DD_APP_KEY"
    timeout: Duration = Field(
        default=timedelta(seconds=10), description="For one question, retries included."
    )


def keys_of(
    settings: DatadogAccess, secret: Callable[[str], SecretStr | None]
) -> tuple[SecretStr, SecretStr]:
    """Both keys. Raises ValueError when one is not named."""
    api_key, app_key = secret(settings.api_key_env), secret(settings.app_key_env)
    if api_key is None or app_key is None:
        raise ValueError("Datadog needs an API key and an application key; name both")
    return api_key, app_key


def base_of(settings: DatadogAccess) -> str:
    """Where the API is."""
    return settings.url.rstrip("/") or f"https://api.{settings.site}"


def datadog_web(
    settings: DatadogAccess, name: str, client: httpx2.AsyncClient, api_key: SecretStr, app_key: SecretStr
) -> Web:
    """What asks it. Datadog tells how long to wait in a header of its own."""
    keys = (api_key, app_key)
    names = f"${settings.api_key_env} and ${settings.app_key_env}"
    return Web(
        source=name,
        client=client,
        deadline=settings.timeout,
        headers={
            "DD-API-KEY": api_key.get_secret_value(),
            "DD-APPLICATION-KEY": app_key.get_secret_value(),
        },
        secrets=keys,
        way_out=f"check the keys in {names}, their site ({settings.site}) and that their role may read this",
        wait_header="x-ratelimit-reset",
    )
