"""A typed fix. The illegal state cannot be spelled: no fix without its way back."""

from typing import Annotated, Literal

from pydantic import Field

from steadyhand.journey.rule import Value

_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
Identifier = Annotated[str, Field(pattern=_NAME, max_length=63)]


IndexState = Literal["absent", "building", "invalid", "valid"]


class SetRelease(Value):
    """Bring a service to a release that has run there before."""

    kind: Literal["set_release"] = "set_release"
    service: str
    version: str


class CreateIndex(Value):
    """Build an index without blocking writers; verified valid afterwards."""

    kind: Literal["create_index"] = "create_index"
    database: str
    table: Identifier
    columns: tuple[Identifier, ...] = Field(min_length=1)
    name: Identifier


class DropIndex(Value):
    """Take an index away without blocking writers."""

    kind: Literal["drop_index"] = "drop_index"
    database: str
    name: Identifier


Action = Annotated[SetRelease | CreateIndex | DropIndex, Field(discriminator="kind")]


class Fix(Value):
    """What would be done, how it is undone, and what it may cost."""

    title: str = Field(max_length=200)
    action: Action
    rollback: Action
    risk: Literal["low", "medium", "high"]
    why_this_risk: str
    recovery_s: int = Field(gt=0, description="Seconds until users should be well, as estimated.")
    canaryable: bool
    reversible: bool = True
    production_database: bool = False
    blast_radius: tuple[str, ...] = Field(min_length=1, description="Services the action itself touches.")
    cost: str = Field(default="", description="What it takes away or loads, in words.")
