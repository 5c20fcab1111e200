"""CloudWatch alarms that come by way of an SNS topic's HTTPS subscription.

Whoever finds the door may post to it, so a message counts only for a topic that is named in the settings,
signed with a certificate fetched from SNS of that topic's own region (`certificates.py`).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from steadyhand.adapters.alerts.certificates import Certificates, SnsUrls
from steadyhand.adapters.alerts.payload import (
    SourceName,
    When,
    cut,
    cut_labels,
    first_of,
    number,
    read,
    short_key,
)
from steadyhand.adapters.alerts.signing import require_fresh
from steadyhand.adapters.http import Web
from steadyhand.journey.alert.model import Alert, Delivery
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import BadAlert, Clock, NotAuthentic, Post

_ARN = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}$"
_STATUS: Mapping[str, Literal["firing", "resolved"]] = {"ALARM": "firing", "OK": "resolved"}
_POINT = re.compile(r"datapoints? \[(-?[\d.]+(?:E-?\d+)?)")
_PLAIN = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SUBSCRIBING = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class SnsSettings(Rule):
    """The topics that are listened to, and where an alarm's service is written."""

    kind: Literal["sns"] = "sns"
    name: SourceName = "cloudwatch"
    topics: tuple[Annotated[str, Field(pattern=_ARN)], ...] = Field(
        min_length=1, description="ARNs of the topics; a message of any other is refused."
    )
    confirm: bool = Field(default=True, description="Confirm subscriptions of these topics by itself.")
    services: dict[str, str] = Field(
        default={}, description="Alarm name: service, where no dimension says so."
    )
    service_dimensions: tuple[str, ...] = Field(
        default=("ServiceName", "Service"), min_length=1, description="Dimensions that name the service."
    )
    unnamed: str = Field(
        default="unknown", description="Service of an alarm that names none: it still pages."
    )
    within: Duration = Field(
        default=timedelta(hours=1),
        description="Refuse messages older than this; SNS tries for up to an hour.",
    )


class _Message(BaseModel):
    Type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    MessageId: str = Field(min_length=1, max_length=255)
    TopicArn: str
    Message: str
    Timestamp: When
    SignatureVersion: Literal["1", "2"]
    Signature: str
    SigningCertURL: str
    Subject: str | None = None
    SubscribeURL: str = ""
    Token: str = ""


class _Words(BaseModel):
    """The fields exactly as they were signed."""

    Message: str
    MessageId: str
    Timestamp: str
    TopicArn: str
    Type: str
    Subject: str | None = None
    SubscribeURL: str = ""
    Token: str = ""


class _Dimension(BaseModel):
    name: str
    value: str


class _Trigger(BaseModel):
    metric: str = Field(default="", alias="MetricName")
    dimensions: list[_Dimension] = Field(default=[], alias="Dimensions")


class _Alarm(BaseModel):
    name: str = Field(alias="AlarmName", min_length=1)
    arn: str = Field(default="", alias="AlarmArn")
    description: str | None = Field(default=None, alias="AlarmDescription")
    state: Literal["ALARM", "OK", "INSUFFICIENT_DATA"] = Field(alias="NewStateValue")
    reason: str = Field(default="", alias="NewStateReason")
    trigger: _Trigger = Field(default=_Trigger(), alias="Trigger")


class Sns:
    """Takes alarms and confirms subscriptions. Too little data neither begins nor ends an alert."""

    signed = True

    def __init__(self, settings: SnsSettings, web: Web, clock: Clock) -> None:
        self.name = settings.name
        self._settings = settings
        self._certificates = Certificates(web, clock)

    async def read(self, post: Post) -> Delivery:
        """The alarm of a message. Raises BadAlert, NotAuthentic, Replayed, SourceUnavailable."""
        message = read(_Message, post.body)
        if message.TopicArn not in self._settings.topics:
            raise NotAuthentic("TopicArn: not one of the topics in the settings")
        urls = SnsUrls.of_topic(message.TopicArn)
        await self._check(message, read(_Words, post.body), urls)
        require_fresh("Timestamp", message.Timestamp, post.received_at, self._settings.within)
        delivery = Delivery(source=self.name, id=message.MessageId)
        if message.Type == "Notification":
            return self._alarm(message, delivery, post)
        return delivery.model_copy(update={"note": await self._subscribing(message, urls)})

    async def _check(self, message: _Message, words: _Words, urls: SnsUrls) -> None:
        names = _PLAIN if message.Type == "Notification" else _SUBSCRIBING
        given = [(name, getattr(words, name)) for name in names]
        signed = "".join(f"{name}\n{value}\n" for name, value in given if value is not None)
        try:
            signature = base64.b64decode(message.Signature, validate=True)
        except (binascii.Error, ValueError):
            raise NotAuthentic("Signature: no base64") from None
        url = urls.certificate(message.SigningCertURL)
        await self._certificates.check(
            url, signature, signed.encode(errors="replace"), message.SignatureVersion
        )

    async def _subscribing(self, message: _Message, urls: SnsUrls) -> str:
        if message.Type == "UnsubscribeConfirmation" or not self._settings.confirm:
            return f"{message.Type}: nothing was done"
        await self._certificates.visit(urls.subscribe(message.SubscribeURL, message.TopicArn))
        return "the subscription is confirmed"

    def _alarm(self, message: _Message, delivery: Delivery, post: Post) -> Delivery:
        try:
            alarm = _Alarm.model_validate_json(message.Message)
        except ValidationError:
            raise BadAlert("Message: not a CloudWatch alarm") from None
        status = _STATUS.get(alarm.state)
        if status is None:
            return delivery.model_copy(update={"note": "INSUFFICIENT_DATA neither begins nor ends an alert"})
        labels = {one.name: one.value for one in alarm.trigger.dimensions} | {"metric": alarm.trigger.metric}
        named = self._settings.services.get(alarm.name, self._settings.unnamed)
        point = _POINT.search(alarm.reason)
        alert = Alert(
            source=self.name,
            dedup_key=short_key(alarm.arn or f"{message.TopicArn}:{alarm.name}"),
            name=cut(alarm.name, 200),
            service=first_of(labels, self._settings.service_dimensions, named),
            status=status,
            starts_at=min(message.Timestamp, post.received_at),
            severity="critical",
            summary=cut(alarm.description or alarm.reason, 1000),
            value=number(point[1]) if point else None,
            labels=cut_labels(labels),
        )
        return delivery.model_copy(update={"alerts": (alert,)})
