"""One line of the trail."""

from pydantic import Field

from steadyhand.journey.commands import ActorKind
from steadyhand.journey.rule import Value


class Entry(Value):
    """One line of the trail. `ts` is unix milliseconds; `hash` covers every other field.

    `n` is its place in the chain of its incident; rows of the first release had none, and one chain for all.
    """

    seq: int = Field(ge=1)
    n: int = Field(default=0, ge=0)
    ts: int
    incident: str
    actor: str
    actor_kind: ActorKind
    via: str
    action: str
    body: dict[str, str]
    prev: str
    hash: str = ""
