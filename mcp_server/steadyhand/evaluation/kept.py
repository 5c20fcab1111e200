"""Answers kept as they come, so that a run that was stopped goes on where it stood.

One JSON object a line: `who` answered, `system` and `case`, `page` (a digest of the evidence it answered
from: other evidence asks anew), and `answer`.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.errors import BadKept

_ANSWER = TypeAdapter(Answer)
_DIGEST = 16
Key = tuple[str, str, str, str]


class Kept:
    """The answers in one file. With `again`, cases without an answer are asked once more.

    Raises BadKept where the file holds something else.
    """

    def __init__(self, path: Path, who: str, *, again: bool = False) -> None:
        self._path = path
        self._who = who
        _mend(path)
        known = dict(_read(path))
        self._known = {key: one for key, one in known.items() if not (again and one.failed)}

    def find(self, case: Case) -> Answer | None:
        """What the same one answered to the same evidence before."""
        return self._known.get(self._key(case))

    def keep(self, case: Case, answer: Answer) -> None:
        """Write an answer down at once. Raises OSError."""
        who, system, name, page = self._key(case)
        line = {"who": who, "system": system, "case": name, "page": page, "answer": asdict(answer)}
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    def _key(self, case: Case) -> Key:
        seen = case.inputs.page.model_dump_json().encode()
        return self._who, case.system, case.id, hashlib.sha256(seen).hexdigest()[:_DIGEST]


def _mend(path: Path) -> None:
    """A run that was killed may have left half a line: that case is asked again."""
    if path.is_file():
        held = path.read_bytes()
        whole = held[: held.rfind(b"\n") + 1]
        if len(whole) < len(held):
            path.write_bytes(whole)


def _read(path: Path) -> Iterator[tuple[Key, Answer]]:
    if not path.is_file():
        return
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            key = (line["who"], line["system"], line["case"], line["page"])
            yield key, _ANSWER.validate_python(line["answer"], strict=False)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise BadKept(
                f"{path}: line {number} is no kept answer: {error}; name another file after --keep"
            ) from error
