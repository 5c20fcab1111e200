"""The learned weights: one versioned, documented file, fitted by bench/fit_ranker.py."""

from functools import cache
from importlib.resources import files

from pydantic import Field

from steadyhand.journey.rule import Share, Value


class FigureWeights(Value):
    """How much one figure of an entity says that it is to blame. None is negative but where noted."""

    scaled: float = Field(default=0.0, description="Times the figure over the largest of its kind, 0 to 1.")
    largest: float = Field(default=0.0, description="Where it is the largest, shared among equals.")
    raw: float = Field(default=0.0, description="Times half of log1p of the figure.")
    against_none: float = Field(
        default=0.0, description="Times half of log1p of the largest: so much less is it nobody."
    )


class RankerWeights(Value):
    """One fit, with the calibration of its confidence."""

    version: str
    about: str
    trained_on: dict[str, int] = Field(description="Data set -> cases.")
    nobody: float = Field(description="Score of: nobody here is to blame.")
    figures: dict[str, FigureWeights]
    calibrated_on: str = Field(description="The cases whose answers, out of fold, gave the calibration.")
    calibrated_n: int = Field(ge=0)
    proven: bool = Field(
        default=False,
        description="Calibration met its goals on cases kept aside; only then may a guardrail rest on it.",
    )
    calibration: tuple[tuple[Share, Share], ...] = Field(
        description="Raw share -> share of answers that were right; both ascend."
    )


@cache
def shipped() -> RankerWeights:
    """The weights this version comes with: a constant, kept as JSON so that it can be read and compared."""
    return RankerWeights.model_validate_json(files(__package__).joinpath("weights.json").read_text("utf-8"))
