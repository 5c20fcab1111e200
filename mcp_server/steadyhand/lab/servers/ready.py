"""Whether a server is there yet."""

import asyncio

import httpx2

from steadyhand.lab.layout import HOST

_LOOK_S = 1.0


async def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), _LOOK_S)
    except OSError:
        return False
    writer.close()
    return True


async def answers(url: str) -> bool:
    """Whether the address answers 200."""
    try:
        async with httpx2.AsyncClient(timeout=_LOOK_S, trust_env=False) as client:
            return (await client.get(url)).is_success
    except httpx2.HTTPError:
        return False
