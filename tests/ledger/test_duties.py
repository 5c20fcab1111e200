"""Every kind of timer has its duty."""

from typing import get_args

from steadyhand.journey.commands import TimerKind
from steadyhand.responder.engine.duties import DUTIES


def test_no_kind_of_timer_is_armed_that_nobody_knows_what_to_do_about() -> None:
    assert set(DUTIES) == set(get_args(TimerKind))
