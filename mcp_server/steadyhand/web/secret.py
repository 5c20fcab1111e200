"""The secrets of the HTTP doors, and how what a caller shows is compared with them."""

import hashlib
import hmac
from dataclasses import dataclass, field

from steadyhand.ports import ConfigError

_SHORTEST_TOKEN = 16
_SHORTEST_KEY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSecrets:
    """What the doors are locked with. Never shown; a short one is a ConfigError."""

    ingest_token: str = field(repr=False)  # POST /alerts, /changes
    mcp_token: str = field(repr=False)  # GET /api/plans/{id}/gate, and whatever is mounted beside
    session_key: bytes = field(repr=False)  # signs the console's cookies

    def __post_init__(self) -> None:
        for name in ("ingest_token", "mcp_token"):
            if len(getattr(self, name)) < _SHORTEST_TOKEN:
                raise ConfigError(f"{name} needs at least {_SHORTEST_TOKEN} characters")
        if len(self.session_key) < _SHORTEST_KEY:
            raise ConfigError(f"session_key needs at least {_SHORTEST_KEY} bytes")


def same(shown: str, wanted: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing."""
    return hmac.compare_digest(shown.encode(errors="surrogatepass"), wanted.encode())


def signature(key: bytes, purpose: str, text: str) -> str:
    """HMAC-SHA256 in hex; one key serves several purposes that cannot be mixed up."""
    return hmac.new(key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()
