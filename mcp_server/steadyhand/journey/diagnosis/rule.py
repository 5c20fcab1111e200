"""The diagnosis section of incident-config.yaml."""

from datetime import timedelta

from pydantic import Field

from steadyhand.journey.rule import Duration, Rule


class DiagnosisRule(Rule):
    """How many causes are named, how sure the engine may sound, and how far clocks may disagree."""

    most: int = Field(default=5, ge=3, le=5, description="Name at most this many causes.")
    temperature: float = Field(
        default=1.5, gt=0, description="Softens the confidence: 1 takes the weights at their word."
    )
    clock_allowance: Duration = Field(
        default=timedelta(seconds=2), description="Clocks of two sources may differ by this much."
    )
    onset_allowance: Duration = Field(
        default=timedelta(seconds=4),
        description="Smoothing smears measured onsets; an effect earlier by more than this is none.",
    )
    lookback: Duration = Field(
        default=timedelta(hours=2), description="A change older than this, before the onset, is not blamed."
    )
    least_sigmas: float = Field(
        default=4.0, ge=0, description="A measured signal weaker than this is no symptom."
    )
