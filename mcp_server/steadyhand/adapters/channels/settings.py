"""What the settings of every channel have in common."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from steadyhand.journey.rule import Rule

HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class ChannelRule(Rule):
    """A channel has a name by which contacts call it, so that there can be several of one kind."""

    kind: str
    name: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_-]{0,59})?$",
        description="How contacts call it; else its kind.",
    )

    @property
    def called(self) -> str:
        """The name that counts."""
        return self.name or self.kind


def _safe(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise ValueError("a token goes there: it must be https, or http on this machine")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write it like https://host/path")
    return url.rstrip("/")


ApiUrl = Annotated[str, AfterValidator(_safe)]
"""Where a vendor's API is. Only a proxy, a server of one's own or a test needs another than the default."""
