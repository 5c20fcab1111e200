"""Who answers without a model, and what every other one is given and may write."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from steadyhand.evaluation.answers import Answer, answer_of
from steadyhand.evaluation.case import Case, Inputs
from steadyhand.evaluation.errors import BadAnswer
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.playbook import Shelf
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.rule import Share, Value

if TYPE_CHECKING:  # a desk needs packages that the engine alone does not
    from steadyhand.evaluation.desk import Desk


def engine(case: Case, playbooks: Shelf | None = None) -> Answer:
    """The engine's own answer, without any model."""
    inputs = case.inputs
    began = time.perf_counter()
    found = diagnose(inputs.page, inputs.topology, DiagnosisRule(), playbooks=playbooks)
    return answer_of(found, time.perf_counter() - began)


class Named(Value):
    """One cause that is named."""

    component: str
    confidence: Share = 0.0
    fault_class: str | None = None
    change: str | None = None


class Reply(Value):
    """What a program writes to its standard output, all of it optional: what it spent, and its answer.

    `causes` has the likeliest first; an empty list means: nobody here. Without it, what was submitted by
    the tools is the answer. `cost` is in US dollars.
    """

    causes: tuple[Named, ...] | None = None
    tokens: int = Field(default=0, ge=0)
    cost: float | None = Field(default=None, ge=0)


def pack(inputs: Inputs, playbooks: Shelf) -> Mapping[str, str]:
    """What an engine may see of a case: texts by the names of their files."""
    found = diagnose(inputs.page, inputs.topology, DiagnosisRule(), playbooks=playbooks)
    return {
        "page.json": inputs.page.model_dump_json(indent=1),
        "topology.json": inputs.topology.model_dump_json(indent=1),
        "engine.json": found.model_dump_json(indent=1),
        "evidence.txt": render(inputs.page),
    }


def parsed(text: str, case: str, seconds: float, desk: "Desk") -> Answer:
    """What a program wrote, or else submitted, as an answer. Raises BadAnswer where it did neither.

    Words on its standard output do not matter once it has submitted: agents like to talk.
    """
    try:
        reply = Reply.model_validate(json.loads(text)) if text.strip() else Reply()
    except (ValueError, ValidationError) as error:
        if desk.opinion is not None:
            return answer_of(desk.opinion, seconds)
        raise BadAnswer(f'{case}: the answer is not of the form {{"causes": [{{...}}]}}: {error}') from error
    if reply.causes is None:
        return _submitted(case, seconds, desk, reply)
    first = reply.causes[0] if reply.causes else None
    return Answer(
        components=tuple(dict.fromkeys(one.component for one in reply.causes)),
        confidence=first.confidence if first else 0.0,
        abstained=first is None,
        fault_class=first.fault_class if first else None,
        change=first.change if first else None,
        seconds=seconds,
        tokens=reply.tokens,
        cost=reply.cost,
    )


def _submitted(case: str, seconds: float, desk: "Desk", reply: Reply) -> Answer:
    if desk.opinion is None:
        raise BadAnswer(
            f"{case}: no answer: neither causes on the standard output nor hypotheses submitted", reply.tokens
        )
    return answer_of(desk.opinion, seconds, reply.tokens, reply.cost)
