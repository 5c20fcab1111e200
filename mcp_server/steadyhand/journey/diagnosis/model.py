"""The values of the diagnosis stage."""

from typing import Literal

from pydantic import Field

from steadyhand.journey.evidence.model import Onset, Role
from steadyhand.journey.rule import Share, Value

EntityKind = Literal[
    "service", "database", "cache", "third_party", "node", "network_edge", "change", "traffic", "none"
]
Remediation = Literal[
    "rollback",
    "create_index",
    "config_revert",
    "flag_off",
    "scale",
    "restart",
    "code",
    "rotate_cert",
    "reschedule",
    "escalate_upstream",
    "wait_upstream",
    "none",
]
ReadOnly = Literal[
    "get_evidence",
    "query_metrics",
    "query_logs",
    "list_changes",
    "inspect_database",
    "get_topology",
    "get_rollout",
    "person",  # a human looks, where no source of ours reaches: a provider's page, a queue's console
]
"""The looks a check may consist of. Nothing that writes or acts is among them."""


class Cause(Value):
    """What is believed to be wrong."""

    entity: str = Field(description='Name of the sick thing; "none" for none of the known.')
    entity_kind: EntityKind
    fault_class: str = Field(
        description="Field term, e.g. connection_leak, missing_index, third_party_timeout."
    )
    change_id: str | None = Field(default=None, description="The change that brought it, if one did.")
    facts: dict[str, str] = Field(default={}, description="e.g. version, previous, table, columns, database.")


class Step(Value):
    """One arrow of the causal path, from a cause to what it did next."""

    source: str
    target: str
    evidence: tuple[str, ...]


class Check(Value):
    """A read-only look that would tell this hypothesis from the others."""

    name: str = Field(min_length=1, max_length=80)
    tool: ReadOnly | None = Field(default=None, description="The read-only look it is, where one is known.")
    query: str = Field(default="", max_length=300, description="What to ask the tool for.")
    role: tuple[Role, ...] = Field(default=(), description="Roles of the series a metric check looks at.")
    look_at: str = Field(min_length=1, max_length=300)
    expect_if_true: str = Field(min_length=1, max_length=300)
    expect_if_false: str = Field(min_length=1, max_length=300)


class Outcome(Value):
    """What a check showed, by the word of whoever looked."""

    hypothesis: str
    check: str = Field(max_length=80, description="Name of the check, as the hypothesis lists it.")
    outcome: Literal["as_if_true", "as_if_false", "unclear"]
    seen: str = Field(min_length=1, max_length=300, description="What was seen, in a sentence.")
    by: str = ""
    evidence: str = Field(default="", description="Id under which the page keeps it.")


class RuledOut(Value):
    """Another explanation, and why it is not this one."""

    what: str
    why: str
    evidence: tuple[str, ...] = ()


class Hypothesis(Value):
    """One possible cause with what speaks for and against it."""

    id: str
    rank: int = Field(ge=1)
    cause: Cause
    claim: str = Field(max_length=400, description="One or two sentences an engineer can check.")
    confidence: Share
    score: float = Field(description="The engine's raw log-odds score.")
    onset: Onset | None = None
    path: tuple[Step, ...] = ()
    supports: tuple[str, ...] = Field(description="Ids of evidence for it.")
    contradicts: tuple[str, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    checks: tuple[Check, ...] = ()
    blast_radius: tuple[str, ...] = ()
    remediation: Remediation = "none"
    unexplained: tuple[str, ...] = Field(default=(), description="Symptoms this cause does not account for.")
    data_gaps: tuple[str, ...] = Field(default=(), description="What it says that nobody could see.")
    by: str = Field(default="engine", description="engine, or the model that submitted it.")


class Diagnosis(Value):
    """3 to 5 hypotheses, best first, or none: then `none_of_these` says so."""

    incident: str
    hypotheses: tuple[Hypothesis, ...]
    none_of_these: Share = Field(description="Weight of: the cause is none of the above.")
    calibrated_on: str = Field(description='Name of the calibration set; "uncalibrated" if there is none.')
    model_version: str
    unexplained: tuple[str, ...] = Field(default=(), description="Evidence no hypothesis accounts for.")
    data_gaps: tuple[str, ...] = ()
    checked: tuple[Outcome, ...] = Field(default=(), description="Checks that ran, and what they showed.")
    before: dict[str, float] = Field(default={}, description="Confidence of each before any check ran.")

    @property
    def best(self) -> Hypothesis | None:
        """The first hypothesis that names a cause, if the engine did not abstain."""
        named = [one for one in self.hypotheses if one.cause.entity_kind != "none"]
        return named[0] if named and named[0].confidence > self.none_of_these else None
