"""Skills, hooks and lists speak of the tools that the real server offers."""

import json
import re
import runpy
from typing import get_args

from plugin.documents import AGENTS, SKILLS, code_words, read
from plugin.tool_names import ACT, EVERY, OWN_STORE, PREFIX, READ
from shape.tree import ROOT, texts

from steadyhand.journey.diagnosis.model import ReadOnly
from steadyhand.tools.server import INSTRUCTIONS
from steadyhand.wiring import playbooks

LISTED = runpy.run_path(str(ROOT / "docs" / "reference" / "generate.py"))["listed_tools"]()
NAMES = {one.name for one in LISTED}
MOST_TOOLS, MOST_TOKENS, CHARACTERS_A_TOKEN = 24, 5000, 3


def test_the_list_the_plugin_tests_use_is_the_servers() -> None:
    assert set(EVERY) == NAMES
    hints = {one.name: one.annotations for one in LISTED}
    assert {name for name, hint in hints.items() if hint and hint.read_only_hint} == set(READ)
    assert {name for name, hint in hints.items() if hint and hint.destructive_hint} == set(ACT)
    assert set(OWN_STORE) == NAMES - set(READ) - set(ACT)


def test_all_tools_together_cost_little_in_every_request() -> None:
    assert len(LISTED) <= MOST_TOOLS
    shown = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in LISTED]
    tokens = len(json.dumps(shown)) / CHARACTERS_A_TOKEN
    assert tokens <= MOST_TOKENS, f"{tokens:.0f} tokens, at {CHARACTERS_A_TOKEN} characters each"


def test_the_readme_counts_the_tools_and_skills_right() -> None:
    text = (ROOT / "README.md").read_text()
    numbers = {6: "six", 7: "seven", 8: "eight"}
    assert f"{len(NAMES)} tools" in text
    assert f"{numbers[len(SKILLS)]} skills" in text


def test_every_full_tool_name_that_is_written_anywhere_exists() -> None:
    written = {
        name
        for path, text in texts()
        if path.suffix in {".md", ".json", ".yaml"}
        for name in re.findall(rf"{PREFIX}([a-z_]+)\b(?!\*)", text)
    }
    assert written - NAMES == set()


def test_the_servers_own_words_name_tools_that_exist() -> None:
    named = set(re.findall(r"\b[a-z]+_[a-z_]+\b", INSTRUCTIONS))
    assert named <= NAMES


def test_skills_and_agents_name_tools_that_the_server_offers() -> None:
    for path in (*SKILLS, *AGENTS):
        verbs = (
            r"(get|list|query|find|inspect|explain|open|submit|propose|request|draft|execute|abort|escalate)_"
        )
        named = {word for word in code_words(read(path).body) if re.match(verbs, word)}
        assert named <= NAMES, path


def test_the_playbooks_check_with_read_only_tools_of_the_server() -> None:
    looks = {check.tool for one in playbooks().playbooks for check in one.checks}
    assert looks - {"person"} <= set(READ)
    assert set(get_args(ReadOnly)) - {"person"} <= set(READ)
