"""PreToolUse hook: no fix is carried out that no human has approved.

An outer belt, not the fence: the service refuses by itself, and a shell can spell a word in many ways. The
client lets a tool run when its hook crashes or hangs, so every way out of here but a plain answer is exit
code 2, which blocks. Standard library only; finds the service as the stdio door beside it does.
"""

import json
import os
import re
import sys
import threading
from pathlib import Path

PREFIX = "mcp__plugin_steadyhand_ir__"
DEADLINE_S = 8.0  # well below the hook's timeout in hooks.json: past that the client lets the tool run
ASK_S = 5.0
DOOR = Path(__file__).resolve().parents[1] / "mcp_server" / "steadyhand"
PLAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
BY_HAND = re.compile(r"steadyhand\b[^|;&\n]*(?<![\w-])approve(?![\w.-])|/approvals\b|/approve(?![\w.-])")
REFUSED_BY_HAND = (
    "Approvals are given by a person, on the console or in their own terminal, never through this shell."
    " Say what is waiting for approval and where, then stop."
)


class Refused(Exception):
    """The tool must not run; the text tells the model why."""


def judge(event: dict[str, object]) -> str:
    """Why to allow the call, or nothing: then the client asks as it would without us. Raises Refused."""
    tool, given = str(event["tool_name"]), event["tool_input"]
    if not isinstance(given, dict):
        raise Refused("a tool input that is no object")
    if tool == "Bash":
        return keep_approvals_human(str(given["command"]))
    match tool.removeprefix(PREFIX):
        case "execute_fix":
            return ask_service(str(given["plan_id"]))
        case "abort_rollout":
            return "bringing traffic back never waits"
        case "escalate_incident":
            return ""
        case _:
            raise Refused(f"{tool} acts, and this gate does not know it")


def keep_approvals_human(command: str) -> str:
    """Let a shell command pass unless it approves. Raises Refused."""
    if BY_HAND.search(command):
        raise Refused(REFUSED_BY_HAND)
    return ""


def ask_service(plan_id: str) -> str:
    """Let the plan pass if the service holds a human's approval for it. Raises Refused."""
    if not PLAN_ID.fullmatch(plan_id):
        raise Refused("that is no plan id; propose_fix gives one")
    sys.path.append(str(DOOR))
    # only here, so that a Bash call does not pay for it
    from pipe import Service  # type: ignore[import-not-found]  # noqa: PLC0415

    service = Service(os.environ)
    if not (connection := service.reach()):
        raise Refused("the service does not answer, so nothing can say that this plan is approved")
    connection.sock.settimeout(ASK_S)
    bearer = {"Authorization": f"Bearer {service.token()}"}
    connection.request("GET", f"/api/plans/{plan_id}/gate", headers=bearer)
    reply = connection.getresponse()
    if reply.status != 200:  # noqa: PLR2004  HTTP's own number
        raise Refused(f"the service does not vouch for plan {plan_id} (HTTP {reply.status})")
    verdict = json.loads(reply.read(65_536))
    if verdict["approved"] is not True:
        why = str(verdict.get("why", ""))[:300]
        raise Refused(
            f"the service does not let plan {plan_id} start: {why}; get_incident tells what is next"
        )
    return ""


def answer(decision: str, reason: str) -> None:
    """Tell the client."""
    said = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason}
    print(json.dumps({"hookSpecificOutput": said}), flush=True)


def block(why: str) -> None:
    """End at once, with the only exit code that blocks."""
    os.write(2, f"Steadyhand's gate refuses: {why}\n".encode())
    os._exit(2)


def main() -> None:
    """Judge the call on stdin."""
    watchdog = threading.Timer(DEADLINE_S, block, ["no verdict in time"])
    watchdog.daemon = True
    watchdog.start()
    try:
        if reason := judge(json.load(sys.stdin)):
            answer("allow", reason)
    except Refused as refusal:
        answer("deny", str(refusal))
    except BaseException as failure:  # noqa: BLE001  whatever it is, an unjudged call must not run
        block(f"{type(failure).__name__} while judging; see that `steadyhand serve` runs")
    watchdog.cancel()


if __name__ == "__main__":
    main()
