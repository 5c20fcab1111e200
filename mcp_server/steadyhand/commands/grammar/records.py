"""audit, report, traffic, memory, capsule: what works on the store or the target, without the service."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import WHICH, Add, capsule, memory


def declare(add: Add) -> None:
    """What works on the store or the target, without the service."""
    memory.declare(add)
    capsule.declare(add)
    audit = add("audit", "Show the audit trail, prove it unchanged, export it, erase a name.", _audit)
    audit.add_argument("what", choices=("verify", "show", "export", "erase"))
    audit.add_argument("name", nargs="?", default="", help="erase: whose name")
    audit.add_argument("--incident", default="", help="show, export: only this one")
    audit.add_argument("--to", type=Path, help="export: the folder to write")
    audit.add_argument("--from", dest="start", default="", help="verify: after this checkpoint (file or row)")
    audit.add_argument("--checkpoints", type=Path, action="append", default=[], help="verify: a file of some")
    audit.add_argument(
        "--key", action="append", default=[], help="verify: a public key in hex; else audit.pub"
    )
    audit.add_argument("--config", type=Path, help=WHICH)
    report = add("report", "Print an incident's report in Markdown.", _report)
    report.add_argument("incident")
    report.add_argument("--config", type=Path, help=WHICH)
    traffic = add("traffic", "Bring a service's traffic home by hand, without the service.", _traffic)
    traffic.add_argument("what", choices=("home",))
    traffic.add_argument("name", help="the service, as connections.traffic calls it")
    traffic.add_argument("--config", type=Path, help=WHICH)


def _traffic(args: argparse.Namespace) -> int:
    from steadyhand.commands.traffic import bring
    from steadyhand.config import default_path

    return bring(args.config or default_path(), args.name)


def _audit(args: argparse.Namespace) -> int:
    from steadyhand.commands.exports import export
    from steadyhand.commands.records import Asked, erase, show, verify

    match args.what:
        case "verify":
            asked = Asked(tuple(args.checkpoints), tuple(args.key), args.start)
            return verify(asked, args.config)
        case "export":
            return export(args.incident, args.to, args.config)
        case "erase":
            return erase(args.name, args.config)
        case _:
            return show(args.incident, args.config)


def _report(args: argparse.Namespace) -> int:
    from steadyhand.commands.records import report

    return report(args.incident, args.config)
