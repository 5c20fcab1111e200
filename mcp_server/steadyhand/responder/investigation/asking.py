"""Ask several sources at once; one that fails, or is slow, is a sentence and stops nobody."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from steadyhand.ports import SourceError

_Found = TypeVar("_Found")
Ask = Callable[[], Awaitable[Sequence[_Found]]]
DEADLINE_S = 20.0
log = logging.getLogger("steadyhand.gather")


async def ask_all(
    asks: Sequence[tuple[str, Ask[_Found]]], within_s: float = DEADLINE_S
) -> tuple[Sequence[_Found], Sequence[str]]:
    """Every answer together, and a sentence for each source that gave none."""
    answers = await asyncio.gather(*(_one(name, ask, within_s) for name, ask in asks))
    found = [item for answer in answers if not isinstance(answer, str) for item in answer]
    return found, [answer for answer in answers if isinstance(answer, str)]


async def _one(name: str, ask: Ask[_Found], within_s: float) -> Sequence[_Found] | str:
    try:
        async with asyncio.timeout(within_s):
            return await ask()
    except SourceError as error:
        return str(error)
    except TimeoutError:
        return f"{name}: no answer within {within_s:.0f} s"
    except Exception as error:  # a bug in one adapter must not hide what the others saw
        log.exception("%s failed", name)
        return f"{name}: failed with {type(error).__name__}; the service's log says more"
