"""What can go wrong with cases and answers."""


class EvaluationError(Exception):
    """Something about an evaluation is wrong; the text names the place and the way out."""


class BadCase(EvaluationError):
    """A case cannot be read."""


class NoCases(EvaluationError):
    """There is nothing to score."""


class BadAnswer(EvaluationError):
    """An engine gave no answer that can be scored."""
