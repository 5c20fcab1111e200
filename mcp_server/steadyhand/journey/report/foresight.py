"""What comes next if nobody answers: the transitions themselves, tried out on a copy of the incident."""

from collections.abc import Iterator, Mapping, Sequence

from steadyhand.journey.commands import Arm, Disarm, Send
from steadyhand.journey.escalation.delivery import WAKING
from steadyhand.journey.incident.clocks import run_out
from steadyhand.journey.incident.reduce import reduce
from steadyhand.journey.incident.state import Incident, Outcome
from steadyhand.journey.report.whom import step_of, who_is
from steadyhand.journey.rule import Instant, Value

_MOST = 12
_ROUNDS = 50


class Next(Value):
    """Somebody will be told at an instant, unless somebody answers before."""

    at: Instant
    who: str
    channel: str
    target: str
    step: str
    body: str


def foresee(incident: Incident, clocks: Sequence[Arm]) -> tuple[Next, ...]:
    """Whom its clocks will wake, in order, at most twelve; that every message gets through is assumed."""
    found: list[Next] = []
    waiting = {one.key: one for one in clocks}
    for _ in range(_ROUNDS):
        clock = min(waiting.values(), key=lambda one: (one.due_at, one.key), default=None)
        if clock is None or len(found) >= _MOST:
            break
        del waiting[clock.key]
        event = run_out(clock.kind, clock.payload, clock.due_at)
        if event is not None:
            incident, commands = outcome = reduce(incident, event, clock.due_at)
            waiting = _rewound(waiting, outcome)
            found += _pages(incident, (one for one in commands if isinstance(one, Send)), clock)
    return tuple(found[:_MOST])


def _rewound(waiting: Mapping[str, Arm], outcome: Outcome) -> dict[str, Arm]:
    """The clocks after these commands, in their order: some stopped, some set anew."""
    after = dict(waiting)
    for one in outcome[1]:
        if isinstance(one, Disarm):
            after = {key: arm for key, arm in after.items() if arm.kind not in one.kinds}
        if isinstance(one, Arm):
            after[one.key] = one
    return after


def _pages(incident: Incident, sends: Iterator[Send], clock: Arm) -> Iterator[Next]:
    for one in sends:
        if one.act in WAKING:
            yield Next(
                at=one.not_before or clock.due_at,
                who=who_is(incident, one.channel, one.target),
                channel=one.channel,
                target=one.target,
                step=step_of(incident, incident.rung),
                body=one.body,
            )
