"""What every door works with, handed to it once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment

from steadyhand.journey.alert.model import Alert
from steadyhand.responder.alarm import Alarm
from steadyhand.responder.outside import Outside
from steadyhand.web.secret import WebSecrets

Parser = Callable[[bytes, datetime], Sequence[Alert]]
"""A post's raw body and when it came, as alerts. Raises ValueError naming the field that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The service, the locks of its doors, and what it writes pages with."""

    outside: Outside
    secrets: WebSecrets
    parsers: Mapping[str, Parser]
    alarm: Alarm
    templates: Environment
