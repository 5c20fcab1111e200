"""Who answers: the engine without a model, or any program on top of the engine's evidence."""

import json
import shlex
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from steadyhand.evaluation.answers import Answer, answer_of
from steadyhand.evaluation.case import Case, Inputs
from steadyhand.evaluation.errors import BadAnswer
from steadyhand.journey.diagnosis.engine import diagnose
from steadyhand.journey.diagnosis.rule import DiagnosisRule
from steadyhand.journey.evidence.digest import render
from steadyhand.journey.rule import Share, Value


def engine(case: Case) -> Answer:
    """The engine's own answer, without any model."""
    inputs = case.inputs
    began = time.perf_counter()
    found = diagnose(inputs.page, inputs.topology, DiagnosisRule())
    return answer_of(found, time.perf_counter() - began)


class Named(Value):
    """One cause that is named."""

    component: str
    confidence: Share = 0.0
    fault_class: str | None = None
    change: str | None = None


class Causes(Value):
    """An answer: the likeliest cause first. No cause at all means: nobody here."""

    causes: tuple[Named, ...]


class Reply(Causes):
    """What a program writes to its standard output."""

    tokens: int = Field(default=0, ge=0)


class Command:
    """Any program as an engine: it finds the case in its working folder and answers in JSON.

    The folder holds page.json, topology.json, evidence.txt and engine.json, the engine's own
    diagnosis. Truth is not there.
    """

    def __init__(self, command: str, deadline_s: float) -> None:
        self._argv: Sequence[str] = shlex.split(command)
        self._deadline_s = deadline_s

    def __call__(self, case: Case) -> Answer:
        """The program's answer. Raises BadAnswer if it fails, is late or writes what cannot be read."""
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="steadyhand-eval-") as name:
            for file, held in pack(case.inputs).items():
                (Path(name) / file).write_text(held, encoding="utf-8")
            text = self._run(case.id, name)
        return parsed(text, case.id, time.perf_counter() - began)

    def _run(self, case: str, folder: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the program the caller named, without a shell
                self._argv, cwd=folder, capture_output=True, text=True, timeout=self._deadline_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BadAnswer(f"{case}: no answer within {self._deadline_s:g} s") from error
        except OSError as error:
            raise BadAnswer(f"{case}: cannot start {self._argv[0]!r}: {error}") from error
        if done.returncode:
            raise BadAnswer(f"{case}: the program ended with {done.returncode}: {done.stderr[-300:].strip()}")
        return done.stdout


def pack(inputs: Inputs) -> Mapping[str, str]:
    """What an engine may see of a case: texts by the names of their files."""
    found = diagnose(inputs.page, inputs.topology, DiagnosisRule())
    return {
        "page.json": inputs.page.model_dump_json(indent=1),
        "topology.json": inputs.topology.model_dump_json(indent=1),
        "engine.json": found.model_dump_json(indent=1),
        "evidence.txt": render(inputs.page),
    }


def parsed(text: str, case: str, seconds: float, tokens: int = 0) -> Answer:
    """A reply in JSON as an answer. Raises BadAnswer."""
    try:
        reply = Reply.model_validate(json.loads(text))
    except (ValueError, ValidationError) as error:
        raise BadAnswer(f'{case}: the answer is not of the form {{"causes": [{{...}}]}}: {error}') from error
    first = reply.causes[0] if reply.causes else None
    return Answer(
        components=tuple(dict.fromkeys(one.component for one in reply.causes)),
        confidence=first.confidence if first else 0.0,
        abstained=first is None,
        fault_class=first.fault_class if first else None,
        change=first.change if first else None,
        seconds=seconds,
        tokens=tokens or reply.tokens,
    )
