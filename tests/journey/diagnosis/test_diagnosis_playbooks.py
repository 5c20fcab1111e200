"""Each playbook that ships can be read, checks only by reading, and is found by the names people use."""

from pathlib import Path

import pytest

from steadyhand.adapters.playbooks.folder import PlaybookSettings, load_folder
from steadyhand.journey.diagnosis.mechanisms import MECHANISMS
from steadyhand.journey.diagnosis.mechanisms.place import PLACE
from steadyhand.journey.diagnosis.playbook import Playbook, Shelf, read, split
from steadyhand.ports import ConfigError
from steadyhand.wiring import playbooks

SHELF = playbooks()
FRONT = {
    "id": "a-fault",
    "mechanism": "a_fault",
    "symptoms": ["it hurts"],
    "checks": [
        {"name": "n", "tool": "query_logs", "look_at": "l", "expect_if_true": "t", "expect_if_false": "f"}
    ],
    "fixes": [{"fix": "mend it", "rollback": "undo it"}],
    "traps": ["a look-alike"],
}
OWN = """---
id: {id}
mechanism: connection_leak
symptoms: [The payments pool is empty.]
checks:
  - {{name: n, tool: person, look_at: l, expect_if_true: t, expect_if_false: f}}
fixes:
  - {{fix: Call the payments team., rollback: None.}}
traps: [none]
{more}---
Why.
"""
SIXTEEN = {
    "connection_exhaustion",
    "memory_leak_cascade",
    "runaway_query",
    "third_party_timeout",
    "cache_miss_storm",
    "missing_index",
    "plan_regression",
    "bad_release",
    "bad_config",
    "bad_flag",
    "certificate_expiry",
    "dns_expiry",
    "disk_full",
    "noisy_neighbour",
    "cpu_starvation",
    "traffic_surge",
    "retry_storm",
    "queue_backlog",
    "dependency_outage",
    "poison_pill",
}


@pytest.mark.parametrize("name", sorted(SIXTEEN))
def test_a_failure_is_found_by_the_name_people_use(name: str) -> None:
    assert SHELF.find(name) is not None
    assert SHELF.find(name.replace("_", "-")) == SHELF.find(name)


def test_every_fault_class_the_engine_names_but_a_bare_place_has_a_playbook() -> None:
    assert len(SHELF.playbooks) == 17
    assert [one.name for one in MECHANISMS if SHELF.find(one.name) is None] == [PLACE]


def test_every_known_mechanism_says_by_which_read_only_look_it_is_checked() -> None:
    known = [one for one in MECHANISMS if one.playbook]
    assert [check.name for one in known for check in one.checks if not check.tool or not check.query] == []


@pytest.mark.parametrize("one", SHELF.playbooks, ids=lambda one: one.id)
def test_a_playbook_tells_what_to_see_first_what_fools_and_when_not_to_act(one: Playbook) -> None:
    assert one.first
    assert len(one.checks) >= 3
    assert len(one.traps) >= 4
    assert len(one.look_alikes) >= 2
    assert [other.mechanism for other in one.look_alikes if SHELF.find(other.mechanism) is None] == []
    assert any(way.not_when for way in one.fixes)
    assert any(symptom.role for symptom in one.symptoms), "the page can show some of it"
    assert len({check.name for check in one.checks}) == len(one.checks)


def test_no_two_playbooks_answer_to_one_name() -> None:
    names = [name for one in SHELF.playbooks for name in {one.id.replace("-", "_"), *one.names[1:]}]
    assert sorted(names) == sorted(set(names))


def test_a_fix_without_its_way_back_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fixes\.0\.rollback"):
        read(FRONT | {"fixes": [{"fix": "hope"}]}, "why")


def test_an_unknown_key_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="symptms: no such key"):
        read(FRONT | {"symptms": []}, "why")


@pytest.mark.parametrize("tool", ["execute_fix", "shell"])
def test_a_check_that_is_no_read_only_look_is_refused(tool: str) -> None:
    check = {"name": "n", "tool": tool, "look_at": "l", "expect_if_true": "t", "expect_if_false": "f"}
    with pytest.raises(ValueError, match=r"checks\.0\.tool"):
        read(FRONT | {"checks": [check]}, "why")


def test_a_check_that_names_no_look_is_refused() -> None:
    check = {"name": "guess", "look_at": "l", "expect_if_true": "t", "expect_if_false": "f"}
    with pytest.raises(ValueError, match="'guess' names no tool"):
        read(FRONT | {"checks": [check]}, "why")


@pytest.mark.parametrize("text", ["# no front matter", "---\nid: x\n", ""])
def test_text_without_front_matter_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="front matter"):
        split(text)


def test_a_teams_own_playbook_stands_in_place_of_the_one_with_its_id(tmp_path: Path) -> None:
    (tmp_path / "connection-leak.md").write_text(OWN.format(id="connection-leak", more=""))
    (tmp_path / "payments-pool.md").write_text(OWN.format(id="payments-pool", more="aliases: [pay_pool]\n"))
    shelf = playbooks(PlaybookSettings(folder=str(tmp_path)))
    assert len(shelf.playbooks) == 18
    for name in ("connection-leak", "connection_leak", "pay_pool"):
        found = shelf.find(name)
        assert found is not None
        assert found.fixes[0].fix == "Call the payments team."


def test_a_broken_own_playbook_is_refused_by_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "connection-leak.md"
    path.write_text(OWN.format(id="connection-leak", more="sympoms: []\n"))
    with pytest.raises(ConfigError, match=rf"{path}: sympoms: no such key"):
        load_folder(tmp_path)
    path.write_text(OWN.format(id="other", more=""))
    with pytest.raises(ConfigError, match="name it after its file"):
        load_folder(tmp_path)
    path.write_text("---\n- a\n---\nwhy\n")
    with pytest.raises(ConfigError, match="must hold keys"):
        load_folder(tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        load_folder(tmp_path / "lost")


def test_an_unknown_name_finds_nothing() -> None:
    assert Shelf(()).find("gremlins") is None
