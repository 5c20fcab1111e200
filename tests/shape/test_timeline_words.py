"""What happens to an incident is told in words on its page and in its report, not as a row of a table."""

import re

import pytest
from shape.tree import texts

from steadyhand.journey.audit.entry import Entry
from steadyhand.journey.report.timeline import timeline

ACTION = re.compile(r'action="([a-z_.]+)"')
FOUND = {
    action
    for path, text in texts()
    if "steadyhand/journey/incident/" in path.as_posix()
    for action in ACTION.findall(text)
}


@pytest.mark.parametrize("action", sorted(FOUND))
def test_whatever_an_incident_writes_into_the_trail_has_words(action: str) -> None:
    row = {"seq": 1, "ts": 0, "incident": "inc-1", "actor": "ana", "actor_kind": "human", "via": "console"}
    entry = Entry.model_validate({**row, "action": action, "body": {}, "prev": "0", "hash": "0"})
    assert not [one for one in timeline((entry,), None) if one.text.startswith(action)]


def test_those_of_the_ladder_are_among_them() -> None:
    assert {"escalation.next_way", "incident.snoozed", "person.unreachable"} <= FOUND
