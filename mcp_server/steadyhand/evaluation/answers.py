"""An answer as it is scored, whoever gave it."""

from dataclasses import dataclass

from steadyhand.journey.diagnosis.model import Diagnosis, Hypothesis


@dataclass(frozen=True)
class Answer:
    """Who is to blame, the likeliest first; `confidence` is that of the first. Abstained: nobody.

    `failed` says why there is no answer; it counts as an abstention, and as wrong where all is well too.
    `cost` is in US dollars, where somebody said what a token costs.
    """

    components: tuple[str, ...]
    confidence: float
    abstained: bool
    fault_class: str | None = None
    change: str | None = None
    onset: float | None = None
    seconds: float = 0.0
    tokens: int = 0
    cost: float | None = None
    failed: str = ""


def answer_of(found: Diagnosis, seconds: float, tokens: int = 0, cost: float | None = None) -> Answer:
    """A diagnosis as an answer. What it lists while abstaining still counts for AC@k, not as a claim."""
    ranked = tuple(dict.fromkeys(one.cause.entity for one in found.hypotheses))
    first = found.hypotheses[0] if found.hypotheses else None
    return Answer(
        components=ranked,
        confidence=first.confidence if first else 0.0,
        abstained=found.best is None,
        fault_class=first.cause.fault_class if first else None,
        change=first.cause.change_id if first else None,
        onset=_began(first),
        seconds=seconds,
        tokens=tokens,
        cost=cost,
    )


def no_answer(why: str, seconds: float, tokens: int = 0) -> Answer:
    """What is scored where an engine gave no answer, and why it did not."""
    return Answer((), 0.0, abstained=True, seconds=seconds, tokens=tokens, failed=why)


def _began(first: Hypothesis | None) -> float | None:
    return first.onset.at.timestamp() if first and first.onset else None
