"""A typed fix. The illegal state cannot be spelled: no fix without its way back."""

from typing import Annotated, Literal

from pydantic import Field

from steadyhand.journey.rule import Instant, Value

_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
Identifier = Annotated[str, Field(pattern=_NAME, max_length=63)]


EffectState = Literal["not done", "under way", "broken", "done"]


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


class CancelBackend(Value):
    """Cancel the statement one database session runs; its identity is checked in the same moment."""

    kind: Literal["cancel_backend"] = "cancel_backend"
    database: str
    pid: int = Field(gt=0)
    backend_start: Instant = Field(description="A process id is used again; pid and start together are not.")
    query_start: Instant = Field(
        description="The session may run another statement by now: that one is safe."
    )
    application: str = Field(default="", max_length=100, description="Whose it was, for people.")


class EndSession(Value):
    """End a session that holds a transaction open and does nothing; what it did in it is rolled back."""

    kind: Literal["end_session"] = "end_session"
    database: str
    pid: int = Field(gt=0)
    backend_start: Instant = Field(description="A process id is used again; pid and start together are not.")
    transaction_start: Instant = Field(description="The session may be in another transaction by now.")
    application: str = Field(default="", max_length=100, description="Whose it was, for people.")


class SetSetting(Value):
    """Set a server parameter of the database, or reset it to what its files say."""

    kind: Literal["set_setting"] = "set_setting"
    database: str
    name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$", max_length=63)]
    value: str | None = Field(max_length=200, description="None: reset it.")


class Nothing(Value):
    """The way back of what cannot be taken back; says why that is so."""

    kind: Literal["nothing"] = "nothing"
    why: str = Field(max_length=200)


DatabaseAction = CreateIndex | DropIndex | CancelBackend | EndSession | SetSetting
Action = Annotated[SetRelease | DatabaseAction, Field(discriminator="kind")]
WayBack = Annotated[SetRelease | DatabaseAction | Nothing, Field(discriminator="kind")]


class Fix(Value):
    """What would be done, how it is undone, and what it may cost."""

    title: str = Field(max_length=200)
    action: Action
    rollback: WayBack
    risk: Literal["low", "medium", "high"]
    why_this_risk: str
    recovery_s: int = Field(gt=0, description="Seconds until users should be well, as estimated.")
    canaryable: bool
    reversible: bool = True
    production_database: bool = False
    blast_radius: tuple[str, ...] = Field(min_length=1, description="Services the action itself touches.")
    cost: str = Field(default="", description="What it takes away or loads, in words.")

    @property
    def moves(self) -> str:
        """The service or database it is carried out on; it need not be the one that hurts."""
        return self.action.service if isinstance(self.action, SetRelease) else self.action.database
