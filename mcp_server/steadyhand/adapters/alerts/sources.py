"""Every alert source there is, by its kind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.alerts.alertmanager import Alertmanager, AlertmanagerSettings
from steadyhand.adapters.alerts.datadog import Datadog, DatadogSettings
from steadyhand.adapters.alerts.generic import GenericAlerts, GenericAlertSettings
from steadyhand.adapters.alerts.grafana import Grafana, GrafanaSettings
from steadyhand.adapters.alerts.opsgenie import Opsgenie, OpsgenieSettings
from steadyhand.adapters.alerts.pagerduty import PagerDuty, PagerDutySettings
from steadyhand.adapters.alerts.sns import Sns, SnsSettings
from steadyhand.adapters.alerts.webhook import WebhookAlerts, WebhookAlertSettings
from steadyhand.adapters.http import Web
from steadyhand.ports import AlertSource, Clock

AlertSettings = Annotated[
    AlertmanagerSettings
    | DatadogSettings
    | GenericAlertSettings
    | GrafanaSettings
    | OpsgenieSettings
    | PagerDutySettings
    | SnsSettings
    | WebhookAlertSettings,
    Field(discriminator="kind"),
]
DEFAULT_SOURCES: tuple[AlertSettings, ...] = (AlertmanagerSettings(), GenericAlertSettings())
BY_TOKEN: Mapping[str, Callable[..., AlertSource]] = {
    "alertmanager": Alertmanager,
    "datadog": Datadog,
    "opsgenie": Opsgenie,
    "jsm_operations": Opsgenie,
}
SIGNING: Mapping[str, Callable[..., AlertSource]] = {
    "generic": GenericAlerts,
    "grafana": Grafana,
    "pagerduty": PagerDuty,
    "webhook": WebhookAlerts,
}
TERMINAL = GenericAlertSettings(name="terminal")  # `steadyhand alert` posts there, whatever is configured
_LARGEST = 64 * 1024


def secrets_of(settings: AlertSettings) -> tuple[str, ...]:
    """Names of the environment variables that hold its secrets."""
    return getattr(settings, "secrets_env", ())


def build_source(
    settings: AlertSettings, secrets: Sequence[SecretStr], http: httpx2.AsyncClient, clock: Clock
) -> AlertSource:
    """The source of these settings. Raises ConfigError for a secret that is none."""
    if isinstance(settings, SnsSettings):
        return Sns(settings, Web(source=settings.name, client=http, largest_bytes=_LARGEST), clock)
    if settings.kind in SIGNING:
        return SIGNING[settings.kind](settings, secrets)
    return BY_TOKEN[settings.kind](settings)
