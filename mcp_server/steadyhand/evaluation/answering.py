"""Cases answered one by one: what fails is one failed case with its reason, not the end of the run."""

import time
from collections.abc import Callable, Iterable, Iterator

from steadyhand.evaluation.answers import Answer, no_answer
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.errors import BadAnswer
from steadyhand.evaluation.kept import Kept

Respond = Callable[[Case], Answer]
"""Who answers. Raises BadAnswer where it has no answer to a case, NoEngine where it can answer none."""

Told = Callable[[int, Case, Answer], None]


def answered(
    cases: Iterable[Case], respond: Respond, kept: Kept | None = None, tell: Told | None = None
) -> Iterator[tuple[Case, Answer]]:
    """Each case with its answer. A case that cannot be read ends the run: that is no fault of who answers."""
    for number, case in enumerate(cases, start=1):
        answer = kept.find(case) if kept else None
        if answer is None:
            answer = _asked(case, respond)
            if kept:
                kept.keep(case, answer)
        if tell:
            tell(number, case, answer)
        yield case, answer


def _asked(case: Case, respond: Respond) -> Answer:
    _ = case.inputs  # reading the case is not the engine's time
    began = time.perf_counter()
    try:
        return respond(case)
    except BadAnswer as error:
        return no_answer(str(error), time.perf_counter() - began, error.tokens)
