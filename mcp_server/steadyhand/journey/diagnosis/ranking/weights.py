"""The learned weights: one versioned, documented file, fitted by bench/fit_ranker.py."""

from functools import cache
from importlib.resources import files

from pydantic import Field

from steadyhand.journey.rule import Value


class FigureWeights(Value):
    """How much one figure of an entity says that it is to blame. None is negative but where noted."""

    scaled: float = Field(default=0.0, description="Times the figure over the largest of its kind, 0 to 1.")
    largest: float = Field(default=0.0, description="Where it is the largest, shared among equals.")
    raw: float = Field(default=0.0, description="Times a quarter of the figure, of 12 at most.")
    against_none: float = Field(
        default=0.0, description="Times a quarter of the largest, of 12 at most: so much less is it nobody."
    )


class Blend(Value):
    """How the hand-set table and the ranker are heard together; "none of these" scores 0.

    Of a mechanism `mechanism, where anything but its effects speaks for it, + hand * its log-odds of the
    table + doubt * how far its place is behind the likeliest, nobody included`; of a change `change +
    change_hand * its log-odds of the table + change_odds * the log-odds of what it changed`; of the way
    between two `edge + edge_hand * its log-odds of the table + edge_doubt * how far the likelier end is
    behind the likeliest, nobody included`; of a place alone `place + place_hand * its log-odds of the
    table + odds * its log-odds of the ranker + behind * how clearly any other suspect shows its own
    marks`; of each `unfelt` more where nobody suffers.
    """

    mechanism: float = 0.0
    hand: float = Field(default=1.0, ge=0)
    doubt: float = Field(default=0.5, ge=0)
    change: float = 0.0
    change_hand: float = Field(default=1.0, ge=0)
    change_odds: float = Field(default=0.5, ge=0)
    edge: float = 0.0
    edge_hand: float = Field(default=1.0, ge=0)
    edge_doubt: float = Field(default=0.5, ge=0)
    place: float = 0.0
    place_hand: float = Field(default=0.5, ge=0)
    odds: float = Field(default=1.0, ge=0)
    behind: float = Field(default=-1.0, le=0)
    unfelt: float = Field(default=0.0, le=0)


class Calibration(Value):
    """From the raw share of the first answer to how often such answers were right (Platt 1999).

    Its log-odds are `offset + slope * log-odds of the share`. As it stands here it changes nothing.
    """

    slope: float = Field(default=1.0, gt=0)
    offset: float = 0.0


class RankerWeights(Value):
    """One fit, with the calibration of its confidence."""

    version: str
    about: str
    trained_on: dict[str, int] = Field(description="Data set -> cases.")
    nobody: float = Field(description="Score of: nobody here is to blame.")
    figures: dict[str, FigureWeights]
    blend: Blend = Blend()
    calibrated_on: str = Field(description="The cases whose answers, out of fold, gave the calibration.")
    calibrated_n: int = Field(ge=0)
    proven: bool = Field(
        default=False,
        description="Calibration met its goals on cases kept aside; only then may a guardrail rest on it.",
    )
    calibration: Calibration = Calibration()


@cache
def shipped() -> RankerWeights:
    """The weights this version comes with: a constant, kept as JSON so that it can be read and compared."""
    return RankerWeights.model_validate_json(files(__package__).joinpath("weights.json").read_text("utf-8"))
