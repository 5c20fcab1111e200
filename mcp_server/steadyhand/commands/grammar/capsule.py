"""capsule: incidents as cases that can be replayed."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import WHICH, Add


def declare(add: Add) -> None:
    """Incidents as cases that can be replayed."""
    capsule = add("capsule", "Keep an incident so that it can be replayed; show what it holds.", _capsule)
    capsule.add_argument("what", choices=("record", "import", "show"))
    capsule.add_argument("folder", type=Path, help="the capsule's folder")
    capsule.add_argument("--incident", default="", help="record: which of our incidents")
    capsule.add_argument("--service", default="", help="import: the service that alerted")
    capsule.add_argument("--alert-at", default="", help="import: when, like 2026-01-31T02:00:00Z")
    capsule.add_argument("--until", default="", help="import: leave out what is later, such as the fix")
    capsule.add_argument(
        "--metrics", type=Path, nargs="*", default=[], help="import: answers of query_range (.json), or .csv"
    )
    capsule.add_argument("--logs", nargs="*", default=[], metavar="SERVICE=FILE", help="import: log files")
    capsule.add_argument("--spans", type=Path, nargs="*", default=[], help="import: traces as OTLP JSON")
    capsule.add_argument("--changes", type=Path, help="import: a JSON list, as POST /changes takes them")
    capsule.add_argument("--zone", default="UTC", help="import: zone of log stamps that name none")
    capsule.add_argument("--cause", default="", help="import: the fault class it turned out to be")
    capsule.add_argument("--component", default="", help="import: who turned out to be to blame")
    capsule.add_argument("--change", default="", help="import: id of the change that brought it")
    capsule.add_argument("--after", default="", help="show: only what was known so long after the alert")
    capsule.add_argument("--config", type=Path, help=WHICH)


def _capsule(args: argparse.Namespace) -> int:
    from steadyhand.commands.capsule import bring_in, record, show
    from steadyhand.commands.capsule_import import Exported
    from steadyhand.ports import ConfigError

    if args.what == "show":
        return show(args.folder, args.after, args.config)
    if args.what == "record":
        if not args.incident:
            raise ConfigError("capsule record needs --incident")
        return record(args.incident, args.folder, args.config)
    if not args.service or not args.alert_at:
        raise ConfigError("capsule import needs --service and --alert-at")
    given = Exported(
        service=args.service,
        alert_at=args.alert_at,
        until=args.until,
        metrics=args.metrics,
        logs=args.logs,
        spans=args.spans,
        changes=args.changes,
        zone=args.zone,
        cause=args.cause,
        component=args.component,
        change=args.change,
    )
    return bring_in(given, args.folder, args.config)
