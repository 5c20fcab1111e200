"""An SNS topic of our own: a certificate made here, signing as SNS does, served on a region's host."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
from adapters.posting import NOW
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
HOST = "sns.eu-central-1.amazonaws.com"
CERT_URL = f"https://{HOST}/SimpleNotificationService-{'0a' * 16}.pem"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(valid_days: int = 365) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=valid_days))
        .sign(KEY, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


@dataclass
class Amazon(httpx2.AsyncBaseTransport):
    """Answers as that host does; keeps what it was asked."""

    pem: bytes = field(default_factory=certificate)
    asked: list[str] = field(default_factory=list)
    status: int = 200

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        if str(request.url) != CERT_URL and "ConfirmSubscription" not in str(request.url):
            return httpx2.Response(404)
        return httpx2.Response(self.status, content=self.pem)


def alarm(state: str = "ALARM", name: str = "checkout-5xx", **changes: object) -> str:
    whole: dict[str, object] = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}",
        "AlarmDescription": "5xx of the checkout",
        "NewStateValue": state,
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed: 1 datapoint [12.5 (31/01/26 02:00:00)] was greater than 5.0.",
        "StateChangeTime": "2026-01-31T02:04:00.000+0000",
        "Trigger": {"MetricName": "HTTP5xx", "Dimensions": [{"name": "ServiceName", "value": "shop"}]},
    }
    return json.dumps(whole | changes)


def message(
    text: str | None = None, version: str = "2", at: datetime = NOW, **changes: object
) -> dict[str, object]:
    """A signed message; changes are made before it is signed."""
    whole: dict[str, object] = {
        "Type": "Notification",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Subject": "ALARM: checkout-5xx",
        "Message": alarm() if text is None else text,
        "Timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERT_URL,
    } | changes
    return signed({name: value for name, value in whole.items() if value is not None})


def subscription(**changes: object) -> dict[str, object]:
    url = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f"
    told = {"Type": "SubscriptionConfirmation", "Subject": None, "Token": "2336412f", "SubscribeURL": url}
    return message("You have chosen to subscribe.", **(told | changes))


def signed(whole: dict[str, object]) -> dict[str, object]:
    plain = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    subscribing = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    names = plain if whole["Type"] == "Notification" else subscribing
    text = "".join(f"{name}\n{whole[name]}\n" for name in names if name in whole)
    kind = hashes.SHA256() if whole["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303 - version 1
    signature = KEY.sign(text.encode(), padding.PKCS1v15(), kind)
    return whole | {"Signature": base64.b64encode(signature).decode()}
