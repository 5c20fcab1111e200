"""What the client's validator does not check about skills, agents and their references."""

import re
from pathlib import Path
from typing import get_args

import pytest
from plugin.documents import AGENTS, REFERENCES, SKILLS, code_words, read
from plugin.tool_names import ACT, EVERY, PREFIX, READ

from steadyhand.journey.rollout.model import Back, Hold, Promote, Undecided
from steadyhand.wiring import playbooks

NIGHT = [
    "triage-incident",
    "find-root-cause",
    "propose-fix",
    "roll-out-fix",
    "escalate-incident",
    "write-incident-report",
]
ALL = [*SKILLS, *AGENTS, *REFERENCES]
FIGURE = re.compile(
    r"\d\s*(%|percent|ms|s|sec|seconds?|min|m|minutes?|h|hours?|days?|tokens?|times|x)\b|\d\s*%"
)
NOT_TOOLS = {"customer_ref", *playbooks().mechanisms}

skills = pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
agents = pytest.mark.parametrize("path", AGENTS, ids=lambda path: path.stem)
documents = pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(path.parents[2])))


def test_the_skills_are_those_of_a_night_on_call() -> None:
    assert {path.parent.name for path in SKILLS} == set(NIGHT)


@skills
def test_a_skill_is_named_like_its_folder_and_has_known_keys_only(path: Path) -> None:
    head = read(path).head
    assert head["name"] == path.parent.name
    assert re.fullmatch(r"[a-z0-9-]{1,64}", head["name"])
    assert set(head) <= {"name", "description", "argument-hint", "allowed-tools"}


@skills
def test_a_description_says_what_and_when_and_not_how(path: Path) -> None:
    description = read(path).head["description"]
    what, when = description.split(" Use when ")
    assert 40 < len(what) < 300
    assert 40 < len(when) < 400
    assert not re.search(r"\b(I|you|your|then|first|step|finally)\b", description)
    assert not code_words(description)
    assert not any(tool in description for tool in EVERY)


def test_all_descriptions_together_stay_small_in_every_request() -> None:
    assert sum(len(read(path).head["description"]) for path in (*SKILLS, *AGENTS)) < 3000


@skills
def test_a_body_is_short_and_repeats_no_figure_of_the_policy(path: Path) -> None:
    body = read(path).body
    assert len(body.splitlines()) < 200
    assert not FIGURE.findall(body)


@skills
def test_a_skill_shows_how_untrusted_text_is_read(path: Path) -> None:
    assert re.search(r"instruction|are data|as data|no text in a log|addressed to you", read(path).body)


@skills
def test_nothing_that_acts_is_allowed_in_advance(path: Path) -> None:
    tools = read(path).tools
    assert tools
    assert set(tools) <= {PREFIX + one for one in EVERY if one not in ACT}


@documents
def test_every_tool_that_is_named_exists_and_bodies_leave_the_prefix_out(path: Path) -> None:
    text = path.read_text().split("---\n")[-1]
    assert PREFIX not in text
    named = {word for word in code_words(text) if "_" in word}
    assert named <= {*EVERY, *NOT_TOOLS}


@documents
def test_every_link_and_every_skill_that_is_named_resolves(path: Path) -> None:
    text = path.read_text()
    links = [path.parent / one for one in re.findall(r"\]\(([^)#]+)\)", text)]
    assert [one for one in links if not one.is_file()] == []
    named = {word for word in code_words(text) if re.fullmatch(r"[a-z]+(-[a-z]+)+", word)}
    assert named <= set(NIGHT)


def test_every_reference_is_linked_from_its_skill() -> None:
    linked = {link.resolve() for path in SKILLS for link in read(path).links}
    assert set(REFERENCES) == linked


def test_every_tool_is_known_to_some_skill() -> None:
    known = set().union(*(code_words(read(path).body) for path in SKILLS))
    assert set(EVERY) - known == set()


def test_only_the_rollout_skill_sets_off_a_fix_and_both_doors_of_consent_are_named() -> None:
    bodies = {path.parent.name: read(path).body for path in SKILLS}
    assert [name for name in NIGHT if "execute_fix" in bodies[name]] == ["roll-out-fix"]
    for name in ("propose-fix", "roll-out-fix"):
        assert "console" in bodies[name]
        assert "terminal" in bodies[name]


@documents
def test_nobody_is_asked_to_approve_in_the_chat(path: Path) -> None:
    asks = (
        r"(reply|answer|type|say|confirm)[^.]{0,20}[\"'`](yes|ok|approve)|approve (it|this|the plan)? ?here\?"
    )
    assert not re.search(asks, path.read_text(), re.IGNORECASE)


@agents
def test_an_agent_can_only_read(path: Path) -> None:
    agent = read(path)
    assert agent.head["name"] == path.stem
    assert set(agent.head) <= {"name", "description", "tools", "model"}
    assert agent.tools
    assert set(agent.tools) <= {PREFIX + one for one in READ}


def test_every_playbook_is_named_where_mechanisms_are_told_apart() -> None:
    table = next(path for path in REFERENCES if path.name == "mechanisms.md").read_text()
    assert set(playbooks().mechanisms) <= code_words(table)


def test_every_word_the_judge_may_say_is_explained() -> None:
    explained = next(path for path in REFERENCES if path.name == "verdicts.md").read_text()
    fields = [(Promote, "grade"), (Hold, "name"), (Back, "reason"), (Undecided, "name")]
    for verdict, field in fields:
        kind = verdict.model_fields["kind"].default
        for word in get_args(verdict.model_fields[field].annotation):
            assert f"| **{kind}**: {word} |" in explained
