"""What one replica of the shop is told at its start."""

from pathlib import Path

from steadyhand.journey.rule import Value


class ReplicaConfig(Value):
    """One replica: who it is and where its neighbours are."""

    name: str
    version: str
    port: int
    postgres_dsn: str
    redis_port: int
    payments_url: str
    log_file: Path
