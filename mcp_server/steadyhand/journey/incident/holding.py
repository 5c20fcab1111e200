"""A page waits a moment, so that it can say more than that something fires."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from steadyhand.journey.commands import Arm, Command, Send
from steadyhand.journey.incident.state import Incident


def hold(
    incident: Incident, commands: Sequence[Command], now: datetime, deadline: timedelta
) -> tuple[Command, ...]:
    """The commands, their pages held until the deadline, and a look at what is known armed for now.

    The message itself holds the deadline: whatever becomes of the look, the page leaves then.
    """
    if not deadline or not any(_is_page(one) for one in commands):
        return tuple(commands)
    until = now + deadline
    payload = {"until": until.isoformat()}
    return (
        *held(commands, until),
        Arm(kind="enrich", key=f"{incident.id}:enrich", due_at=now, payload=payload),
    )


def held(commands: Sequence[Command], until: datetime) -> tuple[Command, ...]:
    """The commands, their pages held until then."""
    return tuple(one.model_copy(update={"not_before": until}) if _is_page(one) else one for one in commands)


def _is_page(command: Command) -> bool:
    """One that quiet hours hold back leaves when they end, whatever is known by then."""
    return isinstance(command, Send) and ":page:" in command.key and command.not_before is None
