"""The rule that says where state is kept."""

from pydantic import Field

from steadyhand.journey.rule import Rule


class StoreRule(Rule):
    """Where state is kept: a SQLite file of the data directory, or PostgreSQL for several hosts."""

    dsn_env: str = Field(
        default="",
        description="Names the environment variable with the address of a PostgreSQL database, "
        "postgresql://user:password@host/name; empty for SQLite.",
    )
    vault_key_env: str = Field(
        default="",
        description="Names the environment variable with the key that seals what placeholders stand for; "
        "empty for vault.key of the data directory. Hosts that share a store share the key.",
    )
