"""Calls of AWS, signed: JSON and Query protocols over our own HTTP client.

Only signing and finding credentials are botocore's (the extra `aws`); the calls go through adapters/http.py,
so that deadlines, retries and named failures are those of every other system.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, Literal
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Answer, Web
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import ConfigError, EffectUnknown, ForeignChange, SourceRefused, SourceUnavailable

_THROTTLED: Final = ("Throttling", "TooManyRequests", "RequestLimitExceeded", "Rate exceeded")
_CHANGED: Final = ("PreconditionFailed", "ConflictException", "ResourceConflictException")
_TRIES = 4
Method = Literal["GET", "POST", "PUT", "DELETE"]


class AwsAccess(Rule):
    """Where the calls go. Credentials are found as AWS tools do: environment, profile or role."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    region: str = Field(pattern=r"^[a-z0-9-]+$")
    endpoint_url: str = Field(default="", description="Instead of AWS's own, for all services; for tests.")
    profile: str = Field(default="", description="Of the shared AWS configuration; empty: the default.")
    timeout: Duration = timedelta(seconds=5)


class AwsSettings(AwsAccess):
    """The same, where a release is carried out."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    release_timeout: Duration = Field(default=timedelta(minutes=5), description="For a release to run.")


class Aws:
    """Calls in one region. Raises SourceError, EffectUnknown from every call."""

    def __init__(self, settings: AwsAccess, client: httpx2.AsyncClient) -> None:
        self.name = settings.name
        self._settings = settings
        self._client = client

    async def query(
        self, service: str, version: str, action: str, params: Mapping[str, str], *, asks: bool = False
    ) -> ET.Element:
        """One call of a Query API (elasticloadbalancing, monitoring); `asks`: it changes nothing.

        Names carry no namespace in the answer.
        """
        body = urlencode({"Action": action, "Version": version, **params}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        effect = not (asks or action.startswith("Describe"))
        answer = await self._call(service, "POST", "/", body, headers, effect=effect)
        return _parsed(answer.body, self.name)

    async def target(
        self, service: str, target: str, body: Mapping[str, Any], *, asks: bool = False
    ) -> dict[str, Any]:
        """One call of a JSON API by its target (ecs, logs); `asks` says that it changes nothing."""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
        content = json.dumps(body).encode()
        effect = not (asks or target.rpartition(".")[2].startswith("Describe"))
        return _object(await self._call(service, "POST", "/", content, headers, effect=effect), self.name)

    async def rest(
        self, service: str, method: Method, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """One call of a REST API (lambda, scheduler)."""
        content = json.dumps(body).encode() if body is not None else b""
        headers = {"content-type": "application/json"}
        answer = await self._call(service, method, path, content, headers, effect=method != "GET")
        return _object(answer, self.name)

    async def _call(
        self,
        service: str,
        method: Method,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        effect: bool,
    ) -> Answer:
        """Throttled calls did nothing: they are tried again, a little later each time."""
        for attempt in range(1, _TRIES + 1):
            answer = await self._once(service, method, path, body, headers, effect=effect)
            if answer.ok:
                return answer
            code, told = _failure(answer)
            if any(word in code + told for word in _CHANGED):
                raise ForeignChange(self.name, f"somebody else changed it in between ({code})")
            if not any(word in code + told for word in _THROTTLED):
                raise SourceRefused(self.name, f"{service} answered {answer.status}: {code} {told}"[:300])
            await asyncio.sleep(0.1 * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - jitter
        raise SourceUnavailable(self.name, f"{service} throttles us (tries: {_TRIES})")

    async def _once(
        self,
        service: str,
        method: Method,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        effect: bool,
    ) -> Answer:
        url = f"{self._endpoint(service)}{path}"
        signed, secrets = await asyncio.to_thread(self._signed, service, method, url, body, headers)
        web = Web(
            source=f"{self.name} {service}",
            client=self._client,
            deadline=self._settings.timeout,
            secrets=secrets,
            headers=signed,
        )
        if method == "GET":
            return await web.read(url)
        try:
            return await web.write(url, method=method, content=body)
        except EffectUnknown as error:
            if effect:
                raise
            raise SourceUnavailable(web.source, error.why) from error  # a question by POST has no effect

    def _signed(
        self, service: str, method: Method, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[dict[str, str], tuple[SecretStr, ...]]:
        auth, awsrequest, credentials = self._botocore
        frozen = credentials.get_frozen_credentials()
        request = awsrequest.AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        auth.SigV4Auth(frozen, service, self._settings.region).add_auth(request)
        secrets = tuple(SecretStr(one) for one in (frozen.secret_key, frozen.token) if one)
        return dict(request.headers.items()), secrets

    @cached_property
    def _botocore(self) -> tuple[Any, Any, Any]:
        """Signing and credentials. Imported at the first call: it is large, and an extra."""
        try:
            from botocore import auth, awsrequest, session  # noqa: PLC0415
        except ImportError as error:
            why = "what is in AWS needs the extra: pip install 'steadyhand[aws]'"
            raise ConfigError(f"connections: {self.name}: {why}") from error
        found = session.Session(profile=self._settings.profile or None).get_credentials()
        if found is None:
            raise ConfigError(f"connections: {self.name}: no AWS credentials were found")
        return auth, awsrequest, found

    def _endpoint(self, service: str) -> str:
        given = self._settings.endpoint_url.rstrip("/")
        return given or f"https://{service}.{self._settings.region}.amazonaws.com"


def _failure(answer: Answer) -> tuple[str, str]:
    """The code and the text of an error, in whichever of AWS's forms it came."""
    body = answer.json()
    if isinstance(body, dict):
        code = str(body.get("__type") or body.get("code") or body.get("Type") or "")
        return code, str(body.get("message") or body.get("Message") or "")
    try:
        root = _parsed(answer.body, "")
    except SourceRefused:
        return "", ""
    return root.findtext(".//Code") or "", root.findtext(".//Message") or ""


def _parsed(body: bytes, name: str) -> ET.Element:
    if b"<!DOCTYPE" in body:
        raise SourceRefused(name, "the answer declares a document type")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as error:
        raise SourceRefused(name, "the answer is not XML") from error
    for one in root.iter():
        one.tag = one.tag.rpartition("}")[2]
    return root


def _object(answer: Answer, name: str) -> dict[str, Any]:
    if not answer.body.strip():
        return {}
    body = answer.json()
    if not isinstance(body, dict):
        raise SourceRefused(name, "the answer is no JSON object")
    return body
