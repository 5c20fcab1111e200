"""The ways things break that the engine knows. What each is worth stands in the table of weights."""

from steadyhand.journey.diagnosis.mechanisms import change, data, feedback, network, outside, place, process
from steadyhand.journey.diagnosis.suspect import Mechanism

MECHANISMS: tuple[Mechanism, ...] = (
    *data.MECHANISMS,
    *outside.MECHANISMS,
    *feedback.MECHANISMS,
    *network.MECHANISMS,
    *process.MECHANISMS,
    *change.MECHANISMS,
    *place.MECHANISMS,
)
