"""The plugin's manifests and hooks say what the tree holds."""

import json
import re
import struct
import sys
import tomllib

import pytest
from plugin.running import ROOT
from plugin.tool_names import ACT, EVERY, OWN_STORE, PREFIX, READ

FOLDER = ROOT / ".claude-plugin"
PLUGIN = json.loads((FOLDER / "plugin.json").read_text())
HOOKS = json.loads((ROOT / "hooks" / "hooks.json").read_text())["hooks"]["PreToolUse"]


def test_the_plugin_carries_the_packages_name_version_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {key: PLUGIN[key] for key in ("name", "version", "license")} == {
        key: project[key] for key in ("name", "version", "license")
    }


def test_the_plugin_uses_keys_the_client_knows() -> None:
    known = {
        "name",
        "version",
        "description",
        "author",
        "license",
        "keywords",
        "icon",
        "network",
        "mcpServers",
    }
    assert set(PLUGIN) <= known
    assert re.fullmatch(r"[a-z0-9-]+", PLUGIN["name"])


def test_its_server_is_the_stdio_door_and_its_tools_are_loaded_at_once() -> None:
    server = PLUGIN["mcpServers"]["ir"]
    assert server["alwaysLoad"] is True
    assert server["command"] == "${STEADYHAND_PYTHON:-python3}"
    script = server["args"][-1].replace("${CLAUDE_PLUGIN_ROOT}", str(ROOT))
    assert (ROOT / "mcp_server" / "steadyhand" / "pipe.py").samefile(script)
    assert f"mcp__plugin_{PLUGIN['name']}_ir__" == PREFIX


def test_no_file_makes_the_repository_itself_start_the_server() -> None:
    assert not (ROOT / ".mcp.json").exists()


def test_the_marketplace_offers_this_very_folder() -> None:
    market = json.loads((FOLDER / "marketplace.json").read_text())
    assert market["description"]
    assert [(one["name"], one["source"]) for one in market["plugins"]] == [(PLUGIN["name"], "./")]


def test_the_icon_is_a_small_square_png() -> None:
    data = (ROOT / PLUGIN["icon"]).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == height == 512
    assert len(data) < 20_000


def test_at_most_24_tools_whose_verbs_tell_what_they_may_do() -> None:
    assert len(EVERY) == len(set(EVERY)) <= 24
    assert all(re.match(r"(get|list|query|find|inspect|explain|run)_", one) for one in READ)
    assert all(re.match(r"(open|submit|propose|request|draft)_", one) for one in OWN_STORE)
    assert all(re.match(r"(execute|abort|notify|escalate)_", one) for one in ACT)
    assert not any(re.search(r"approve|consent|acknowledge", one) for one in EVERY)


@pytest.mark.parametrize("tool", EVERY)
def test_the_gate_stands_before_all_that_acts_and_nothing_else(tool: str) -> None:
    matched = [group for group in HOOKS if re.fullmatch(group["matcher"], PREFIX + tool)]
    assert len(matched) == (tool in ACT)


def test_the_gate_watches_the_shell() -> None:
    assert any(re.fullmatch(group["matcher"], "Bash") for group in HOOKS)


def test_a_gate_that_cannot_start_blocks() -> None:
    for group in HOOKS:
        for hook in group["hooks"]:
            assert hook["command"].endswith('"${CLAUDE_PLUGIN_ROOT}/hooks/gate.py" || exit 2')
            assert hook["timeout"] >= 10


def test_the_gate_needs_the_standard_library_and_the_door_only() -> None:
    source = (ROOT / "hooks" / "gate.py").read_text()
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", source, re.MULTILINE))
    assert imported <= {*sys.stdlib_module_names, "pipe"}
