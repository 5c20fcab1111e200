"""What every door works with, handed to it once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment

from steadyhand.ports import ChangeHook
from steadyhand.responder.engine.alarm import Alarm
from steadyhand.responder.outside import Outside
from steadyhand.web.secret import WebSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The service, the locks of its doors, and what it writes pages with."""

    outside: Outside
    secrets: WebSecrets
    alarm: Alarm
    templates: Environment
    hooks: Mapping[str, ChangeHook] = field(default_factory=dict)
