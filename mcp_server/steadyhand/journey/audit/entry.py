"""One line of the trail."""

from pydantic import Field

from steadyhand.journey.commands import ActorKind, Record
from steadyhand.journey.rule import Value

_LONGEST = 200


class Entry(Value):
    """One line of the trail. `ts` is unix milliseconds; `hash` covers every other field.

    `n` is its place in the chain of its incident; rows of the first release had none, and one chain for all.
    Rows of earlier releases name no object and no state before and after: what is empty is not hashed.
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
    object: str = ""
    before_hash: str = ""
    after_hash: str = ""
    prev: str
    hash: str = ""


def object_of(record: Record, incident: str) -> str:
    """What a line is about: the plan, rollout or message it names, else its incident."""
    kind = next((one for one in ("message", "rollout", "plan") if record.body.get(one)), "")
    if kind:
        return f"{kind}:{record.body[kind]}"[:_LONGEST]
    return f"incident:{incident}" if incident else ""
