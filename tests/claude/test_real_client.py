"""What the real client makes of the plugin: it loads whole, reads freely, carries out nothing unapproved."""

import json
import sys
from pathlib import Path

import pytest
from claude.client import BYPASS, NO_HOOKS, Client
from claude.scripted_model import Call, Say
from plugin.documents import SKILLS, read
from plugin.real_service import INJECTION, RealService
from plugin.running import eventually
from plugin.self_started import fresh_home, stopped
from plugin.tool_names import EVERY, PREFIX, READ

pytestmark = pytest.mark.claude

READING = ("--allowedTools", *(PREFIX + name for name in READ))
EXECUTING = ("--allowedTools", f"{PREFIX}*")
EXECUTE = f"{PREFIX}execute_fix"


def tool(name: str, **given: object) -> Call:
    return Call(PREFIX + name, given)


def execute(service: RealService) -> Call:
    return tool("execute_fix", plan_id=service.plan)


def python_but(folder: Path, arguments: str, instead: str) -> str:
    """A Python that does something else when its arguments look like this."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\ncase "$*" in {arguments}) {instead};; esac\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_the_validator_finds_nothing_to_say(client: Client) -> None:
    verdict = client.validate()
    assert verdict["directory"]["findings"] == []
    assert verdict["success"] is True
    assert [one["name"] for one in verdict["provides"]["mcpServers"]] == ["ir"]
    assert len(verdict["provides"]["skills"]) == len(SKILLS)


def test_the_plugin_is_loaded_whole(client: Client) -> None:
    run = client.run([Say("done")])
    assert [one["status"] for one in run.init["mcp_servers"] if one["name"] == "plugin:steadyhand:ir"] == [
        "connected"
    ]
    assert "steadyhand" in [one["name"] for one in run.init["plugins"]]
    assert {f"steadyhand:{path.parent.name}" for path in SKILLS} <= set(run.init["skills"])
    assert "steadyhand:investigator" in run.init["agents"]
    assert {one for one in run.init["tools"] if one.startswith("mcp__")} == {PREFIX + one for one in EVERY}


def test_the_first_request_holds_every_skill_and_the_servers_rules(
    client: Client, service: RealService
) -> None:
    first = client.run([Say("done")]).model.first
    for path in SKILLS:
        assert json.dumps(read(path).head["description"])[1:-1] in first
    assert service.instructions in first
    assert f'"name": "{PREFIX}execute_fix"' in first, "schemas come with the first request, not on demand"


def test_an_incident_is_read_from_the_list_to_the_evidence(client: Client, service: RealService) -> None:
    run = client.run(
        [
            tool("list_incidents"),
            tool("get_incident", incident_id=service.incident),
            tool("get_evidence", incident_id=service.incident),
            tool("query_logs", service="shop"),
            Say("read"),
        ],
        *READING,
    )
    assert run.denied == []
    assert service.calls == [
        "list_incidents",
        "get_incident",
        "get_evidence",
        "query_logs",
    ]
    assert service.incident in run.results[0]
    assert service.token not in json.dumps(run.model.requests)


def test_a_skill_brings_the_right_to_the_tools_it_needs_and_to_no_more(
    client: Client, service: RealService
) -> None:
    run = client.run(
        [
            Call("Skill", {"skill": "steadyhand:triage-incident", "args": service.incident}),
            tool("list_incidents"),
            execute(service),
            Say("done"),
        ],
        "--allowedTools",
        "Skill(steadyhand:*)",
    )
    assert "# Triage an incident" in json.dumps(run.model.requests)
    assert service.calls == ["list_incidents"]
    assert run.denied == [EXECUTE]


def test_the_investigator_can_read_and_has_nothing_to_act_with(client: Client, service: RealService) -> None:
    task = {
        "description": "look",
        "prompt": f"look at {service.incident}",
        "subagent_type": "steadyhand:investigator",
    }
    run = client.run(
        {
            "You investigate one incident": [
                tool("get_evidence", incident_id=service.incident),
                execute(service),
                Say("seen"),
            ],
            "": [Call("Agent", task), Say("done")],
        },
        *BYPASS,
    )
    assert service.calls == ["get_evidence"]
    assert "No such tool available" in json.dumps(run.model.requests)
    assert service.effects == []


@pytest.mark.parametrize("flags", [(), EXECUTING, BYPASS], ids=["default", "allowed by a rule", "bypass"])
@pytest.mark.parametrize("hooks", [(), NO_HOOKS], ids=["hooks", "no hooks"])
def test_nothing_unapproved_is_carried_out(
    client: Client, service: RealService, flags: tuple[str, ...], hooks: tuple[str, ...]
) -> None:
    run = client.run([execute(service), execute(service), Say("done")], *flags, *hooks)
    assert len(run.results) == 2
    assert service.untouched
    if flags and hooks:
        assert "nobody has approved this plan" in run.results[0], "the service's own refusal"
        assert service.calls == ["execute_fix"] * 2
    else:
        assert run.denied == [EXECUTE] * 2
        assert service.calls == []


@pytest.mark.parametrize("hooks", [(), NO_HOOKS], ids=["hooks", "no hooks"])
def test_nothing_forged_is_carried_out(client: Client, service: RealService, hooks: tuple[str, ...]) -> None:
    forged = [
        {"plan_id": one} for one in ("plan-999", f"{service.plan}/../{service.plan}", f"{service.plan} ")
    ]
    claimed = {"approved": True, "approval": "ana", "digest": service.view.digest, "force": True}
    calls = [tool("execute_fix", **one) for one in (*forged, {"plan_id": service.plan, **claimed})]
    run = client.run([*calls, Say("done")], *BYPASS, *hooks)
    assert len(run.results) == 4
    assert service.untouched


@pytest.mark.parametrize("hooks", [(), NO_HOOKS], ids=["hooks", "no hooks"])
def test_a_log_line_that_says_it_is_approved_moves_nothing(
    client: Client, service: RealService, hooks: tuple[str, ...]
) -> None:
    """The worst model: it reads the line and obeys."""
    read = [
        tool("get_evidence", incident_id=service.incident),
        tool("query_logs", service="shop", text="approved"),
    ]
    run = client.run([*read, execute(service), Say("done")], *BYPASS, *hooks)
    assert all(INJECTION in one for one in run.results[:2])
    assert service.untouched


def test_an_approval_is_good_for_one_run(client: Client, service: RealService) -> None:
    service.begin()
    run = client.run(
        [
            execute(service),
            tool("abort_rollout", incident_id=service.incident),
            execute(service),
            execute(service),
            Say("done"),
        ],
        *BYPASS,
        *NO_HOOKS,
    )
    assert "was started already" in run.results[0]
    assert eventually(lambda: not service.house.traffic.canary.version)
    moved = service.house.traffic.canary.requests
    again = client.run([execute(service), Say("done")], *BYPASS)
    assert again.denied == [EXECUTE]
    assert "used already" in again.results[0]
    assert service.effects == ["execute_fix", "abort_rollout"]
    assert service.house.traffic.canary.requests == moved


@pytest.mark.parametrize("instead", ["exit 1", "exec /no/such/file"], ids=["crashes", "is missing"])
def test_a_broken_gate_lets_nothing_through(client: Client, service: RealService, instead: str) -> None:
    service.awake = False
    service.approve()
    python = python_but(client.folder, "*gate.py", instead)
    run = client.run([execute(service), Say("done")], *BYPASS, STEADYHAND_PYTHON=python)
    assert run.denied == [EXECUTE]
    assert service.calls == []
    assert service.untouched


@pytest.mark.parametrize("flags", [EXECUTING, BYPASS], ids=["allowed by a rule", "bypass"])
def test_what_a_human_approved_is_carried_out_once(
    client: Client, service: RealService, flags: tuple[str, ...]
) -> None:
    service.awake = False  # the model is faster than the service's own start
    service.approve()
    run = client.run([execute(service), Say("done")], *flags)
    assert run.denied == []
    service.awake = True
    assert eventually(lambda: service.house.traffic.canary.version == "1.0")
    assert service.effects == ["execute_fix"]


def test_a_rollout_is_followed_and_aborted_without_a_rule_and_without_a_yes(
    client: Client, service: RealService
) -> None:
    service.begin()
    look = tool("get_rollout", incident_id=service.incident)
    run = client.run([look, tool("abort_rollout", incident_id=service.incident), Say("done")], *READING)
    assert run.denied == []
    assert service.plan in run.results[0]
    assert service.effects == ["execute_fix", "abort_rollout"]
    assert eventually(lambda: not service.house.traffic.canary.version)


def test_the_models_shell_cannot_approve(client: Client, service: RealService) -> None:
    command = f"echo steadyhand approve {service.incident} >{client.folder}/approved"
    run = client.run([Call("Bash", {"command": command}), Say("done")], *BYPASS)
    assert run.denied == ["Bash"]
    assert not (client.folder / "approved").exists()


def test_a_service_that_does_not_run_is_started_by_the_session(client: Client, tmp_path: Path) -> None:
    home = fresh_home(tmp_path)
    with stopped(home):
        run = client.run([tool("list_incidents"), Say("done")], *READING, STEADYHAND_HOME=str(home))
        assert "incidents" in run.results[0]
        assert run.denied == []
