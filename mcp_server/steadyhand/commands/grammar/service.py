"""serve, worker, mcp, config, connections, people: the service, its settings, who answers for it."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import WHICH, Add


def declare(add: Add) -> None:
    """The service, its settings, and who answers for it."""
    for family in (_add_service, _add_connections, _add_people):
        family(add)


def _add_service(add: Add) -> None:
    serve = add("serve", "Run the control service and its console.", _serve)
    serve.add_argument("--config", type=Path, help=WHICH)
    serve.add_argument("--port", type=int, help="instead of listen.port")
    serve.add_argument("--detach", action="store_true", help="return once it answers")
    worker = add("worker", "Join the processes that keep the store's promises.", _worker)
    worker.add_argument("--config", type=Path, help=WHICH)
    add("mcp", "Speak MCP on stdin and stdout for Claude Code.", _serve)
    check = add("config", "Check the configuration and say who would be paged when.", _config)
    check.add_argument("what", choices=("check", "show"))
    check.add_argument("--config", type=Path)
    check.add_argument("--severity", default="SEV2", choices=("SEV1", "SEV2", "SEV3", "SEV4"))
    check.add_argument("--service", default="", help="whose incident it would be")
    check.add_argument(
        "--at", default="", help="when it would open, e.g. 2026-01-31T02:00:00Z; now where not given"
    )


def _serve(args: argparse.Namespace) -> int:
    from steadyhand.commands.service import serve
    from steadyhand.config import default_path

    return serve(args.config or default_path(), args.port, detach=args.detach)


def _worker(args: argparse.Namespace) -> int:
    from steadyhand.commands.service import work
    from steadyhand.config import default_path

    return work(args.config or default_path())


def _config(args: argparse.Namespace) -> int:
    from steadyhand.commands.settings import check, show
    from steadyhand.config import default_path

    path = args.config or default_path()
    return show(path) if args.what == "show" else check(path, args.severity, args.service, args.at)


def _add_connections(add: Add) -> None:
    tried = add(
        "connections", "Try each connection with a small question and explain what is wrong.", _connections
    )
    tried.add_argument("what", choices=("check",))
    tried.add_argument("--json", action="store_true", help="for programs")
    tried.add_argument("--config", type=Path, help=WHICH)


def _connections(args: argparse.Namespace) -> int:
    from steadyhand.commands.connections import check
    from steadyhand.config import default_path

    return check(args.config or default_path(), as_json=args.json)


def _add_people(add: Add) -> None:
    people = add("people", "Say who may sign in and approve.", _people)
    people.add_argument("what", choices=("add", "list"))
    people.add_argument("name", nargs="?", default="")
    people.add_argument("--role", default="approver")
    people.add_argument("--config", type=Path, help=WHICH)


def _people(args: argparse.Namespace) -> int:
    from steadyhand.commands.people import add, show

    return add(args.name, args.role, args.config) if args.what == "add" else show(args.config)
