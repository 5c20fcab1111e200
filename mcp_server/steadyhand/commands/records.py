"""`steadyhand audit` and `steadyhand report`: what happened, and whether the record still holds."""

import sys
from pathlib import Path

from steadyhand.adapters.channels.terminal import plain
from steadyhand.commands.store import the_store
from steadyhand.journey.audit.entry import find_tampering
from steadyhand.journey.report.markdown import markdown
from steadyhand.responder.reporting import report_of
from steadyhand.responder.views import view


def audit(what: str, incident: str, config: Path | None = None) -> int:
    """Show, export or verify the trail; verify exits with 1 when it was tampered with."""
    with the_store(config).read() as tx:
        trail = tx.trail("" if what == "verify" else incident)
    if what == "verify":
        problem = find_tampering(trail)
        # A tail that was cut off leaves a chain that holds: only a head noted elsewhere can tell.
        head = trail[-1].hash if trail else "none"
        holds = f"The trail holds: {len(trail)} rows, head {head}.\n"
        sys.stdout.write(f"TAMPERED: {problem}\n" if problem else holds)
        return 1 if problem else 0
    for one in trail:
        if what == "export":
            sys.stdout.write(one.model_dump_json() + "\n")
        else:
            facts = " ".join(f"{key}={value!r}" for key, value in one.body.items())
            sys.stdout.write(f"{one.seq:>5} {plain(one.actor)} ({one.via}) {one.action} {facts}\n")
    return 0


def report(incident: str, config: Path | None = None) -> int:
    """Print the report as it stands."""
    with the_store(config).read() as tx:
        sys.stdout.write(markdown(report_of(view(tx, incident))))
    return 0
