"""CloudWatch through SNS: whom we believe, and which addresses are ever asked."""

import asyncio
import json
from datetime import timedelta

import httpx2
import pytest
from adapters.posting import NOW
from adapters.sns_topic import (
    CERT_URL,
    HOST,
    TOPIC,
    Amazon,
    alarm,
    certificate,
    message,
    signed,
    subscription,
)
from sns_message_validator import SNSMessageValidator
from sns_message_validator.exceptions import SignatureVerificationFailureException

from steadyhand.adapters.alerts.sns import Sns, SnsSettings
from steadyhand.adapters.http import Web
from steadyhand.journey.alert.model import Delivery
from steadyhand.ports import AlertRefused, BadAlert, NotAuthentic, Post, Replayed, SourceUnavailable
from steadyhand.testing.clock import VirtualClock


def take(*posted: dict[str, object], amazon: Amazon | None = None, **settings: object) -> Delivery:
    """What the last of these messages is taken for."""

    async def story() -> Delivery:
        async with httpx2.AsyncClient(transport=amazon or Amazon()) as client:
            web = Web(source="cloudwatch", client=client, tries=1)
            given = SnsSettings.model_validate({"topics": (TOPIC,), **settings})
            source = Sns(given, web, VirtualClock(NOW))
            found = None
            for one in posted:
                found = await source.read(Post(headers={}, body=json.dumps(one).encode(), received_at=NOW))
        assert found is not None
        return found

    return asyncio.run(story())


@pytest.mark.parametrize("version", ["1", "2"])
def test_an_alarm_of_either_signature_version_is_an_alert(version: str) -> None:
    (alert,) = take(message(version=version)).alerts
    assert (alert.name, alert.service, alert.status, alert.value) == ("checkout-5xx", "shop", "firing", 12.5)
    assert alert.dedup_key.endswith(":alarm:checkout-5xx")


def test_ok_ends_it_and_too_little_data_says_nothing() -> None:
    (ended,) = take(message(alarm("OK"))).alerts
    assert ended.status == "resolved"
    assert take(message(alarm("INSUFFICIENT_DATA"))).alerts == ()


def test_the_settings_name_a_service_where_no_dimension_does() -> None:
    bare = message(alarm(Trigger={"MetricName": "HTTP5xx"}))
    (unknown,) = take(bare).alerts
    (named,) = take(bare, services={"checkout-5xx": "shop"}).alerts
    assert (unknown.service, named.service) == ("unknown", "shop")


def test_a_message_carries_its_id_so_that_a_second_try_is_known() -> None:
    assert take(message()).id == "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"


def test_the_certificate_is_fetched_once() -> None:
    amazon = Amazon()
    take(message(), message(alarm("OK")), message(version="1"), amazon=amazon)
    assert amazon.asked == [CERT_URL]


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
def test_a_message_that_was_changed_after_it_was_signed_is_refused(field: str) -> None:
    changed = message() | {field: "2026-01-31T02:04:59.000Z" if field == "Timestamp" else "other"}
    with pytest.raises(AlertRefused):
        take(changed)


class Kept:
    """Where the published validator looks for certificates: it has this one already."""

    content = certificate()

    def get(self, _url: str) -> "Kept":
        return self


@pytest.mark.parametrize("change", [{}, {"Message": "other"}, {"Subject": "other"}, {"MessageId": "x"}])
@pytest.mark.parametrize(
    "posted", [message(version="1"), subscription(SignatureVersion="1")], ids=["alarm", "sub"]
)
def test_the_published_validator_agrees(posted: dict[str, object], change: dict[str, str]) -> None:
    oracle = SNSMessageValidator()  # it knows signature version 1 only
    oracle._cert_session = Kept()  # noqa: SLF001 - it would ask Amazon
    told = posted | (
        change if posted["Type"] == "Notification" or "Subject" not in change else {"Token": "x"}
    )
    try:
        oracle.validate_message(told)
        theirs = True
    except SignatureVerificationFailureException:
        theirs = False
    try:
        take(told)
        ours = True
    except NotAuthentic:
        ours = False
    assert ours is theirs is (not change)


@pytest.mark.parametrize(
    "url",
    [
        CERT_URL.replace("https", "http"),
        CERT_URL.replace(HOST, "sns.eu-central-1.amazonaws.com.evil.test"),
        CERT_URL.replace(HOST, "evil.test"),
        CERT_URL.replace(HOST, "sns.us-east-1.amazonaws.com"),
        CERT_URL.replace(HOST, f"{HOST}:8443"),
        CERT_URL.replace(HOST, f"user@{HOST}"),
        CERT_URL.replace(HOST, f"{HOST}@evil.test"),
        CERT_URL.replace(HOST, "169.254.169.254"),
        CERT_URL.replace("SimpleNotificationService", "Other"),
        CERT_URL + "?x=1",
        CERT_URL + "#x",
        f"https://{HOST}/a/../SimpleNotificationService-{'0a' * 16}.pem",
        f"https://{HOST}\\@evil.test/SimpleNotificationService-{'0a' * 16}.pem",
        "https://[::1",
        "",
    ],
)
def test_no_other_address_is_ever_asked_for_a_certificate(url: str) -> None:
    amazon = Amazon()
    with pytest.raises(NotAuthentic, match="SigningCertURL"):
        take(message(SigningCertURL=url), amazon=amazon)
    assert amazon.asked == []


def test_a_topic_that_is_not_in_the_settings_is_refused_before_anything_is_asked() -> None:
    amazon = Amazon()
    with pytest.raises(NotAuthentic, match="TopicArn"):
        take(message(TopicArn=TOPIC.replace("alarms", "other")), amazon=amazon)
    assert amazon.asked == []


def test_an_expired_certificate_proves_nothing() -> None:
    with pytest.raises(NotAuthentic, match="not valid now"):
        take(message(), amazon=Amazon(pem=certificate(valid_days=-1)))


def test_something_else_than_a_certificate_proves_nothing() -> None:
    with pytest.raises(NotAuthentic, match="no certificate"):
        take(message(), amazon=Amazon(pem=b"<html>"))


def test_sns_out_of_reach_asks_the_sender_to_try_again() -> None:
    with pytest.raises(SourceUnavailable):
        take(message(), amazon=Amazon(status=503))


def test_an_old_message_is_refused() -> None:
    with pytest.raises(Replayed):
        take(message(at=NOW - timedelta(hours=2)))


def test_a_message_that_is_no_alarm_is_refused() -> None:
    with pytest.raises(BadAlert, match="Message"):
        take(message("hello"))


def test_a_subscription_of_a_known_topic_is_confirmed() -> None:
    amazon = Amazon()
    found = take(subscription(), amazon=amazon)
    assert (found.alerts, found.note) == ((), "the subscription is confirmed")
    assert amazon.asked[0] == CERT_URL
    assert amazon.asked[1].startswith(f"https://{HOST}/?Action=ConfirmSubscription")


def test_a_subscription_is_left_alone_where_the_settings_say_so() -> None:
    amazon = Amazon()
    take(subscription(), amazon=amazon, confirm=False)
    assert amazon.asked == [CERT_URL]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/?Action=ConfirmSubscription",
        f"https://{HOST}/?Action=Unsubscribe&TopicArn={TOPIC}",
        f"https://{HOST}/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:1:x",
        f"https://evil.test/?Action=ConfirmSubscription&TopicArn={TOPIC}",
    ],
)
def test_a_signed_message_cannot_send_us_elsewhere(url: str) -> None:
    amazon = Amazon()
    with pytest.raises(NotAuthentic, match="SubscribeURL"):
        take(subscription(SubscribeURL=url), amazon=amazon)
    assert amazon.asked == [CERT_URL]


def test_a_signature_over_a_subscription_is_not_one_over_an_alarm() -> None:
    posted = signed(subscription() | {"Message": alarm()}) | {"Type": "Notification"}
    with pytest.raises(NotAuthentic):
        take(posted)
