"""What can go wrong with cases and answers."""

from steadyhand.ports import SteadyhandError


class EvaluationError(SteadyhandError):
    """Something about an evaluation is wrong; the text names the place and the way out."""


class BadCase(EvaluationError):
    """A case cannot be read."""


class NoCases(EvaluationError):
    """There is nothing to score."""


class BadPlace(EvaluationError):
    """What was found cannot be written there."""


class BadAnswer(EvaluationError):
    """An engine gave no answer that can be scored; `tokens` were spent on it all the same."""

    def __init__(self, why: str, tokens: int = 0) -> None:
        super().__init__(why)
        self.tokens = tokens


class BadKept(EvaluationError):
    """The file of kept answers cannot be read."""


class NoEngine(EvaluationError):
    """Who should answer cannot: a package or a key is not there."""
