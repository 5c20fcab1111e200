"""How values are written on a page."""

from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from steadyhand.journey.alert.severity import MEANING
from steadyhand.journey.evidence.model import Onset
from steadyhand.journey.evidence.notes import ahead, beside
from steadyhand.journey.evidence.wording import quantity, since
from steadyhand.journey.report.figures import span
from steadyhand.journey.report.write import describe

STATUS = {
    "investigating": "Reading the evidence",
    "awaiting_approval": "Waiting for a yes or no",
    "rolling_out": "The fix is on its way",
    "needs_human": "Needs a human",
    "resolved": "Resolved",
}
GLYPH = {
    "investigating": "…",
    "awaiting_approval": "?",
    "rolling_out": "→",
    "needs_human": "!",
    "resolved": "✓",
}
PHASE = {
    "preflight": "Proving the way back first",
    "preparing": "Starting the fix beside the old version",
    "shifting": "Giving the fix its first traffic",
    "watching": "Watching the canary",
    "asking": "Undecided: a person's word is needed",
    "promoting": "Giving the fix all traffic",
    "applying": "Applying the fix to the database",
    "verifying": "Waiting until the numbers have recovered",
    "settling": "Making it permanent",
    "reverting": "Bringing all traffic back",
    "undoing": "Taking the fix back",
    "verified": "Verified",
    "reverted": "Taken back",
    "stuck": "Stuck: a human must act",
}
EVENTS = {"errors": "failed", "slow90": "slow", "slow99": "very slow"}


def environment() -> Environment:
    """The templates, escaping everything they are given."""
    # Every template writes HTML: escaping is on for all, whatever a file is called.
    made = Environment(
        loader=PackageLoader("steadyhand.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clock": _clock,
        "spread": _spread,
        "beside": beside,
        "ahead": ahead,
        "minute": _minute,
        "iso": datetime.isoformat,
        "span": span,
        "quantity": quantity,
        "action": describe,
        "percent": _percent,
        "sure": _sure,
        "count": "{:,}".format,
    }
    made.globals |= {"STATUS": STATUS, "GLYPH": GLYPH, "PHASE": PHASE, "EVENTS": EVENTS, "MEANING": MEANING}
    return made


def _spread(onset: Onset) -> str:
    """How far from that instant it may lie, e.g. "±2 s"; "" where it is known to the second."""
    return since(onset).partition(" ")[2]


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _percent(share: float) -> str:
    """In percent, with a digit more where it is small."""
    return f"{100 * share:.2g} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"  # noqa: PLR2004 - a tenth


def _sure(confidence: float) -> str:
    """A confidence in whole percent; finer would claim what nobody knows."""
    return "< 1 %" if 0 < confidence < 0.01 else f"{100 * confidence:.0f} %"  # noqa: PLR2004 - one percent
