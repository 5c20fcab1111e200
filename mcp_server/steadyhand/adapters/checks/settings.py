"""What each check of the catalogue is told."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from steadyhand.adapters.rollouts.kubernetes.cluster import ClusterSettings
from steadyhand.journey.rule import Duration, Rule

_HOST = r"^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$"
Host = Annotated[str, Field(pattern=_HOST, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]


class CheckRule(Rule):
    """What every check is told."""

    target: str = Field(description="The service, database or third party it speaks of.")
    timeout: Duration = timedelta(seconds=3)


class DnsSettings(CheckRule):
    """Whether a name has addresses."""

    kind: Literal["dns"]
    host: Host


class TcpSettings(CheckRule):
    """Whether a port takes connections."""

    kind: Literal["tcp"]
    host: Host
    port: Port


class TlsSettings(CheckRule):
    """How long a certificate is still good, and whether it is for that name."""

    kind: Literal["tls"]
    host: Host
    port: Port = 443
    warn: Duration = Field(default=timedelta(days=14), description="Less than this left is not fine.")
    ca_file: str = Field(default="", description="Who must have signed it; empty: the machine's own list.")


class HttpSettings(CheckRule):
    """Whether a health page answers as it should."""

    kind: Literal["http"]
    url: str = Field(pattern=r"^https?://[^@\s]+$")
    wanted: tuple[int, ...] = Field(default=(200, 204), description="Statuses that are fine.")


class MetricSettings(CheckRule):
    """A number against its limit: disk, memory, file handles."""

    kind: Literal["metric"]
    source: str = Field(default="prometheus", description="The name of one of connections.metrics.")
    what: str = Field(description="In words, e.g. disk in use.")
    expression: str = Field(description="PromQL that yields one number.")
    least: float | None = Field(default=None, description="Less than this is not fine.")
    most: float | None = Field(default=None, description="More than this is not fine.")
    unit: str = ""

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("give most, least or both")
        return self


class RedisSettings(CheckRule):
    """Memory, clients, evictions and hit rate, from INFO."""

    kind: Literal["redis"]
    host: Host
    port: Port = 6379
    secret_env: str = Field(default="", description="Environment variable with its password.")
    user: str = ""
    tls: bool = False


class PodsSettings(ClusterSettings):
    """Whether a Deployment's pods are ready, and why not."""

    kind: Literal["pods"]
    target: str = Field(description="The service it speaks of.")
    name: str = Field(default="pods", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    labels: dict[str, str] = Field(min_length=1, description="Labels of its pods.")


CheckSettings = Annotated[
    DnsSettings | HttpSettings | MetricSettings | PodsSettings | RedisSettings | TcpSettings | TlsSettings,
    Field(discriminator="kind"),
]
