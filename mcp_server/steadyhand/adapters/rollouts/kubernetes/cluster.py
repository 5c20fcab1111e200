"""The Kubernetes API over plain HTTP: read, list, and merge patches that must not cross another's change.

No client library: five calls are needed, and httpx2 with its deadlines and named failures is there.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx2
from pydantic import Field, SecretStr

from steadyhand.adapters.http import Answer, Web
from steadyhand.adapters.rollouts.image import retagged
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import ConfigError, ForeignChange, SourceRefused

Json = dict[str, Any]
_MERGE: Final = {"content-type": "application/merge-patch+json"}
_STRICT: Final = {"fieldManager": "steadyhand", "fieldValidation": "Strict"}
_CONFLICT, _NOT_FOUND = 409, 404
_PAGE = 200
_MOST_PAGES = 50
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_NAME: Final = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"


class ClusterAccess(Rule):
    """How the cluster is reached. The defaults are those of a pod's service account."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    api_url: str = Field(default="https://kubernetes.default.svc", pattern=r"^https?://[^@]+$")
    namespace: str = Field(default="default", pattern=_NAME)
    token_env: str = Field(default="", description="Environment variable with the token; else token_file.")
    token_file: str = Field(
        default=f"{_ACCOUNT}/token", description="Read anew each time: tokens are rotated."
    )
    ca_file: str = Field(
        default=f"{_ACCOUNT}/ca.crt", description="Who signs for the API server; may be absent."
    )
    timeout: Duration = timedelta(seconds=5)


class ClusterSettings(ClusterAccess):
    """The same, where a release is carried out."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="The service whose traffic this is.")
    release_timeout: Duration = Field(default=timedelta(minutes=5), description="For a release to run.")


class Cluster:
    """The objects of one namespace. Raises SourceError from every call."""

    def __init__(self, settings: ClusterAccess, client: httpx2.AsyncClient, token: SecretStr | None) -> None:
        self.name = settings.name
        self._settings = settings
        self._client = _trusting(settings, client)
        self._token = token

    async def get(self, kind: str, name: str) -> Json:
        """One object; `kind` is its path, such as apis/apps/v1/deployments."""
        return self._object(await self._web().read(self._path(kind, name)), f"{kind} {name}")

    async def text(self, kind: str, name: str, part: str, params: Mapping[str, str]) -> bytes:
        """A subresource that is plain text, such as a pod's log."""
        answer = await self._web().read(f"{self._path(kind, name)}/{part}", params)
        if not answer.ok:
            self._object(answer, f"{part} of {name}")
        return answer.body

    async def find(self, kind: str, labels: Mapping[str, str] | None = None) -> Sequence[Json]:
        """Every object with these labels, page by page; nothing where the cluster knows no such kind."""
        params = {"limit": str(_PAGE)}
        if labels:
            params["labelSelector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        found: list[Json] = []
        for _ in range(_MOST_PAGES):
            answer = await self._web().read(self._path(kind), params)
            if answer.status == _NOT_FOUND:
                return ()
            page = self._object(answer, kind)
            found += page.get("items") or []
            onward = (page.get("metadata") or {}).get("continue")
            if not onward:
                return found
            params["continue"] = onward
        raise SourceRefused(self.name, f"more than {_MOST_PAGES * _PAGE:,} {kind}; name labels they have")

    async def patch(self, kind: str, name: str, change: Json, part: str = "") -> Json:
        """Merge `change` into it, or into its subresource `part`.

        Give metadata.resourceVersion where another's change in between must not be crossed: it raises
        ForeignChange then.
        """
        url = self._path(kind, name) + (f"/{part}" if part else "")
        body = json.dumps(change).encode()
        answer = await self._web().write(url, method="PATCH", params=_STRICT, content=body, headers=_MERGE)
        return self._object(answer, f"{kind} {name}")

    def _object(self, answer: Answer, what: str) -> Json:
        body = answer.json()
        found = body if isinstance(body, dict) else {}
        if answer.status == _CONFLICT:
            raise ForeignChange(self.name, f"somebody else changed {what} in between")
        if not answer.ok:
            raise self._web().refusal(answer, f"{what}: {found.get('message', '')}")
        if not found:
            raise SourceRefused(self.name, f"the answer for {what} is no object")
        return found

    def _path(self, kind: str, name: str = "") -> str:
        group, _, plural = kind.rpartition("/")
        base = f"{self._settings.api_url.rstrip('/')}/{group}/namespaces/{self._settings.namespace}/{plural}"
        return f"{base}/{quote(name, safe='')}" if name else base

    def _web(self) -> Web:
        token = self._token or _read_token(self._settings)
        return Web(
            source=f"{self.name} cluster",
            client=self._client,
            deadline=self._settings.timeout,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"} if token else {},
            secrets=(token,) if token else (),
            way_out=_way_out(self._settings),
        )


def container(template: Json, name: str, where: str) -> Json:
    """The container of this name in a pod template, the first one for "". Raises SourceRefused."""
    containers = template.get("spec", {}).get("containers") or []
    found = [one for one in containers if not name or one.get("name") == name]
    if not found:
        raise SourceRefused(where, f"its pod template has no container {name!r}")
    first: Json = found[0]
    return first


def with_image(template: Json, name: str, version: str, where: str) -> Json:
    """A patch of the pod template: all containers as they are, one of them at another version."""
    chosen = container(template, name, where)
    image = retagged(chosen["image"], version)
    containers = [{**one, "image": image} if one is chosen else one for one in template["spec"]["containers"]]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def _read_token(settings: ClusterAccess) -> SecretStr | None:
    try:
        return SecretStr(Path(settings.token_file).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None


def _way_out(settings: ClusterAccess) -> str:
    where = f"${settings.token_env}" if settings.token_env else settings.token_file
    return f"check the token in {where} and what its role may do in namespace {settings.namespace}"


def _trusting(settings: ClusterAccess, client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client that trusts the cluster's own authority, where there is one to trust."""
    if not settings.api_url.startswith("https") or not Path(settings.ca_file).exists():
        return client
    try:
        trust = ssl.create_default_context(cafile=settings.ca_file)
    except ssl.SSLError as error:
        raise ConfigError(f"connections: {settings.name}: ca_file is no certificate") from error
    return httpx2.AsyncClient(verify=trust)
