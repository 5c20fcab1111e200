"""A balancer whose state is a file: command_balancer.py FILE observe|share|home|release|count ..."""

import json
import sys
from pathlib import Path

FRESH = {
    "share": 0.0,
    "stable": {"version": "1.0", "replicas": 3, "ready": 3},
    "canary": {"version": None, "replicas": 0, "ready": 0},
    "asked": 0,
}


def main(path: Path, order: str, *given: str) -> None:
    state = json.loads(path.read_text()) if path.exists() else json.loads(json.dumps(FRESH))
    if order == "share":
        state["share"] = float(given[0])
    elif order == "home":
        state["share"] = 0.0
    elif order == "release":
        options = dict(word.removeprefix("--").split("=", 1) for word in given[1:])
        count = int(options["replicas"])
        state[given[0]] = {
            "version": options["version"] if count else None,
            "replicas": count,
            "ready": count,
        }
    elif order == "count":
        state["asked"] += 100
        total = state["asked"]
        one = {"requests": total, "errors": total // 10, "slow90": total // 10, "slow99": total // 100}
        sys.stdout.write(json.dumps({"stable": one, "canary": one, "slow_limits_ms": [200.0, 900.0]}))
    else:
        sys.stdout.write(json.dumps(state))
        return
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state))
    fresh.replace(path)


main(Path(sys.argv[1]), *sys.argv[2:])
