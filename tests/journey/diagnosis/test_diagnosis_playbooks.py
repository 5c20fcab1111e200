"""Each playbook that ships can be read, and belongs to a mechanism of the engine."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.playbook import Playbook, read, split

FOLDER = Path(__file__).parents[3] / "playbooks"
FILES = sorted(FOLDER.glob("*.md"))
FRONT = {
    "id": "a-fault",
    "mechanism": "a_fault",
    "symptoms": ["it hurts"],
    "checks": [{"name": "n", "look_at": "l", "expect_if_true": "t", "expect_if_false": "f"}],
    "fixes": [{"fix": "mend it", "rollback": "undo it"}],
    "traps": ["a look-alike"],
}


def loaded(path: Path) -> Playbook:
    front, prose = split(path.read_text(encoding="utf-8"))
    return read(yaml.safe_load(front), prose)


@pytest.mark.parametrize("path", FILES, ids=lambda one: one.stem)
def test_each_playbook_is_valid_and_named_after_its_file(path: Path) -> None:
    assert loaded(path).id == path.stem


def test_playbooks_and_mechanisms_name_each_other() -> None:
    told = {(one.mechanism, one.id) for one in map(loaded, FILES)}
    assert told == {(one.name, one.playbook) for one in MECHANISMS if one.playbook}
    assert len(told) == len(FILES) == 5


def test_a_fix_without_its_way_back_is_refused() -> None:
    with pytest.raises(ValidationError, match="rollback"):
        read(FRONT | {"fixes": [{"fix": "hope"}]}, "why")


def test_an_unknown_key_is_refused_by_its_name() -> None:
    with pytest.raises(ValidationError, match="symptms"):
        read(FRONT | {"symptms": []}, "why")


@pytest.mark.parametrize("text", ["# no front matter", "---\nid: x\n", ""])
def test_text_without_front_matter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="front matter"):
        split(text)
