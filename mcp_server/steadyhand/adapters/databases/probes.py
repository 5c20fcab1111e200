"""Which kinds of database can be looked into."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field, SecretStr

from steadyhand.adapters.databases.mysql import MysqlProbe, MysqlSettings
from steadyhand.adapters.databases.postgres import PostgresProbe, PostgresSettings
from steadyhand.adapters.databases.sqlite import SqliteProbe, SqliteSettings

DatabaseSettings = Annotated[PostgresSettings | MysqlSettings | SqliteSettings, Field(discriminator="kind")]


def build_probe(
    settings: DatabaseSettings, secret: Callable[[str], SecretStr]
) -> PostgresProbe | MysqlProbe | SqliteProbe:
    """The probe of this kind; `secret` gives its address. Raises what `secret` raises."""
    if isinstance(settings, SqliteSettings):
        return SqliteProbe(settings)
    if isinstance(settings, MysqlSettings):
        return MysqlProbe(settings, secret(settings.dsn_env))
    return PostgresProbe(settings, secret(settings.dsn_env))
