"""How a web system that is only read is reached and signed in to, and how its answers are taken apart."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, TypeVar

import httpx2
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from steadyhand.adapters.http import PAGE, Answer, Web, authorization, is_page
from steadyhand.journey.rule import Duration, Rule
from steadyhand.ports import SourceError, SourceRefused

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
_Told = TypeVar("_Told", bound=BaseModel)


class Access(Rule):
    """Where it listens and how one signs in. Give it an account that can only read."""

    url: str = Field(pattern=r"^https?://[^/\s]+", description="Base address, without the API's path.")
    auth: Literal["none", "bearer", "basic", "api_key"] = "none"
    user: str = Field(default="", description="For auth: basic.")
    secret_env: str = Field(default="", description="Environment variable with the token, key or password.")
    tenant: str = Field(default="", description="Whose data, where one server holds that of many.")
    timeout: Duration = Field(
        default=timedelta(seconds=10), description="For one question, retries included."
    )

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str) -> str:
        if "@" in url.split("/")[2]:
            raise ValueError("holds a user or password; use auth, user and secret_env")
        return url.rstrip("/")


def web_for(
    name: str,
    access: Access,
    client: httpx2.AsyncClient,
    secret: SecretStr | None,
    headers: Mapping[str, str] | None = None,
) -> Web:
    """What asks it. Raises ValueError when the sign-in needs a secret and none is given."""
    if access.auth == "api_key":
        signed = authorization("bearer", "", secret)
        signed = {"Authorization": signed["Authorization"].replace("Bearer", "ApiKey")}
    else:
        signed = authorization(access.auth, access.user, secret)
    return Web(
        source=name,
        client=client,
        deadline=access.timeout,
        headers={**signed, **(headers or {})},
        secrets=(secret,) if secret else (),
        way_out=_way_out(access),
    )


def scope_of(access: Access) -> dict[str, str]:
    """The tenant, as Grafana's systems are told it."""
    return {"X-Scope-OrgID": access.tenant} if access.tenant else {}


def _way_out(access: Access) -> str:
    if access.auth == "none":
        return "it wants a sign-in: set auth and secret_env of this connection"
    tenant = f", and that it may read tenant {access.tenant!r}" if access.tenant else ""
    return f"check the secret in ${access.secret_env} and that its account may read this{tenant}"


def body_of(question: Mapping[str, object]) -> bytes:
    """A question as JSON."""
    return json.dumps(question, separators=(",", ":")).encode()


def told(web: Web, answer: Answer, model: type[_Told], why: str = "") -> _Told:
    """The answer as this model; `why` are the far end's words where it is a failure. Raises SourceError."""
    if not answer.ok:
        raise web.refusal(answer, why or reason(answer))
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        seen = PAGE if is_page(reason(answer)) else _place(error)
        raise SourceRefused(web.source, f"its answer is not the expected one: {seen}") from error


def gone(web: Web, answer: Answer) -> SourceError:
    """The failure of an answer nobody can use, in the far end's own words where there are some."""
    return web.refusal(answer, reason(answer))


def reason(answer: Answer) -> str:
    """The far end's words for a failure: of JSON the usual keys, else the text itself."""
    body = answer.json()
    if not isinstance(body, dict):
        return answer.body[:300].decode(errors="replace")
    for key in ("error", "message", "errors", "messages"):
        found = body.get(key)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            found = found.get("reason") or found.get("text") or found.get("title") or found.get("type")
        if found:
            return str(found)
    return ""


def _place(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the whole'}: {first['msg']}"
