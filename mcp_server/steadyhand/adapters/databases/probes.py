"""Which kinds of database can be looked into."""

from typing import Annotated

from pydantic import Field, SecretStr

from steadyhand.adapters.databases.mysql import MysqlProbe, MysqlSettings
from steadyhand.adapters.databases.postgres import PostgresProbe, PostgresSettings

DatabaseSettings = Annotated[PostgresSettings | MysqlSettings, Field(discriminator="kind")]


def build_probe(settings: DatabaseSettings, dsn: SecretStr) -> PostgresProbe | MysqlProbe:
    """The probe of this kind."""
    if isinstance(settings, MysqlSettings):
        return MysqlProbe(settings, dsn)
    return PostgresProbe(settings, dsn)
