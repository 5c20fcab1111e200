"""The lab's one failure, and the sentences that are shown for it."""

from steadyhand.ports import SteadyhandError


class LabError(SteadyhandError):
    """The lab could not do what was asked; the text says why and the way out."""
