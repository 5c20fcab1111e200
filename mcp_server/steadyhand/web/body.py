"""Reading a request's JSON: within a time, within a size, refused by the field's name."""

import asyncio
from typing import TypeVar

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from steadyhand.journey.rule import Value, say_fault

LARGEST = 1024 * 1024
_DEADLINE_S = 10.0
_LONGEST = 300
_MOST_FIELDS = 20

Body = TypeVar("Body", bound=Value)


async def raw_body(request: Request) -> bytes:
    """The bytes of a request; one larger than LARGEST never gets here. Raises HTTPException."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await request.body()
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {_DEADLINE_S:.0f} s") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the body broke off") from error


async def json_body(request: Request, as_type: type[Body]) -> Body:
    """The JSON of a request as this value. Raises HTTPException naming the first field that is wrong.

    Only application/json is read: a form of a foreign page cannot send that without asking first.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "send Content-Type: application/json")
    try:
        return as_type.model_validate_json(await raw_body(request))
    except ValidationError as error:
        raise HTTPException(400, first_fault(error)) from None


async def form_body(request: Request) -> dict[str, str]:
    """The text fields of a posted form. Raises HTTPException."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    except TimeoutError as error:
        raise HTTPException(408, f"the form did not arrive within {_DEADLINE_S:.0f} s") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the form broke off") from error
    return {name: value for name, value in form.items() if isinstance(value, str)}


def first_fault(error: ValidationError) -> str:
    """The first wrong field and what is wrong with it; never its value."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(part)[:100] for part in first["loc"]) or "body"
    return f"{path}: {say_fault(first)}"[:_LONGEST]
