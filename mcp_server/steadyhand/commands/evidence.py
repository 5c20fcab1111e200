"""`steadyhand evidence`: the evidence page of an incident, or one of its items."""

import shutil
import sys
from typing import Any

from steadyhand.adapters.channels.terminal import printable
from steadyhand.commands.answers import Door, newest_open
from steadyhand.journey.evidence.model import Page
from steadyhand.journey.evidence.printed import printed, printed_item
from steadyhand.ports import ConfigError

_NARROWEST, _WIDEST = 60, 120


def show(incident: str, name: str, item: str, *, as_json: bool) -> int:
    """Print the page. Raises ConfigError where there is none yet, or no such item on any page."""
    door = Door(name)
    wanted = incident or newest_open(door)
    page = _page(door.get(f"/api/incidents/{wanted}"), wanted)
    found = page.reopened(item) if item else None
    if item and found is None:
        raise ConfigError(f"no page of {wanted} has an item {item}; it has {_ids(page)}")
    if as_json:
        sys.stdout.write((found or page).model_dump_json(indent=2) + "\n")
        return 0
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    text = printed_item(found, page, width) if found else printed(page, width)
    sys.stdout.write("".join(f"{printable(line)}\n" for line in text.splitlines()))
    return 0


def _page(view: Any, incident: str) -> Page:  # noqa: ANN401 - JSON
    if view["page"] is None:
        raise ConfigError(f"the evidence of {incident} is still being read; ask again in a few seconds")
    return Page.model_validate(view["page"])


def _ids(page: Page) -> str:
    return ", ".join(one.id for one in page.items) or "none"
