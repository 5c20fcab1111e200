"""A webhook's address leads nowhere it should not, whatever its name server says."""

import ssl
from pathlib import Path

import httpx2
import pytest
import trustme
from pydantic import SecretStr
from servers import Reply, http_server

from steadyhand.adapters.channels.address import locate, plain_address
from steadyhand.adapters.channels.webhook import WebhookChannel, WebhookSettings
from steadyhand.ports import Letter, SourceRefused, SourceUnavailable
from steadyhand.testing.clock import VirtualClock

pytestmark = pytest.mark.anyio
LETTER = Letter(key="k1", target="ann", subject="SEV1", body="shop")
NOWHERE = [
    "https://127.0.0.1/hook",
    "https://10.1.2.3/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/hook",
    "https://[::ffff:127.0.0.1]/hook",
    "https://[::ffff:a9fe:a9fe]/hook",
    "https://[64:ff9b::7f00:1]/hook",
    "https://[2002:7f00:1::]/hook",
    "https://[fe80::1]/hook",
    "https://[fd00::1]/hook",
    "https://0.0.0.0/hook",
    "https://[::]/hook",
    "https://224.0.0.1/hook",
    "https://100.64.0.1/hook",
    "https://2130706433/hook",
    "https://0x7f.1/hook",
    "https://localhost/hook",
]


@pytest.mark.parametrize("url", NOWHERE)
async def test_a_private_address_in_any_spelling_is_refused(url: str) -> None:
    with pytest.raises(SourceRefused, match="private network") as caught:
        await locate("hook", url, ())
    assert "/hook" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://93.184.216.34/hook", "http://[2606:2800:220:1::1]/hook"])
async def test_a_public_address_is_reached_only_by_https(url: str) -> None:
    with pytest.raises(SourceRefused, match="must be https"):
        await locate("hook", url, ())
    place = await locate("hook", url.replace("http:", "https:"), ())
    assert place.url.startswith("https://")


@pytest.mark.parametrize(
    "url", ["ftp://1.1.1.1/x", "hook", "https://", "https://me:pw@1.1.1.1/", "https://[::1/x"]
)
async def test_an_address_that_is_none_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        await locate("hook", url, ())
    assert "pw" not in str(caught.value)


async def test_a_name_without_an_address_may_have_one_later() -> None:
    with pytest.raises(SourceUnavailable):
        await locate("hook", "https://nowhere.invalid/hook", ())


def test_ipv4_in_ipv6_clothes_is_ipv4() -> None:
    assert str(plain_address("::ffff:10.0.0.1")) == "10.0.0.1"
    assert str(plain_address("2606:4700::1111")) == "2606:4700::1111"


async def test_the_connection_goes_to_the_checked_address_and_the_certificate_must_fit_the_name(
    tmp_path: Path,
) -> None:
    """By TLS to 127.0.0.1, which the name was resolved to; the certificate is for the name alone."""
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    for name, fits in (("localhost", True), ("elsewhere.example", False)):
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(serving)
        async with (
            http_server(lambda _: Reply(204), serving) as server,
            httpx2.AsyncClient(verify=trust) as client,
        ):
            url = SecretStr(server.url.replace("127.0.0.1", "localhost"))
            settings = WebhookSettings.model_validate(
                {"url_env": "U", "secret_env": "S", "allowed_networks": ["127.0.0.0/8", "::1/128"]}
            )
            channel = WebhookChannel(settings, client, url, [SecretStr("s")], VirtualClock())
            if fits:
                assert await channel.send(LETTER) == LETTER.key
                assert server.requests[0].headers["host"].startswith("localhost:")
            else:
                with pytest.raises(SourceUnavailable):
                    await channel.send(LETTER)
                assert server.requests == []
