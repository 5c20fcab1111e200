"""The real thing: a lab really broken, a Steadyhand that really runs, a person who really signs in."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psycopg

from steadyhand.demo.engineer import Engineer
from steadyhand.demo.stage import Stage
from steadyhand.demo.vitals import Vitals
from steadyhand.lab.command import break_, fix

_Found = TypeVar("_Found")
CALM_S = 28.0


class World:
    """One stage with somebody signed in at its console."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.engineer = Engineer(stage.access)
        self.vitals = Vitals(stage.lab.description.metrics_url)

    def calm(self) -> None:
        """Let the baseline pass, measured and well."""
        self.engineer.sign_in()
        self.pause(CALM_S)
        self.until("users are well", self.well, 30)

    def pause(self, seconds: float) -> None:
        """Real time must pass here: a lab has no virtual clock."""
        ends = time.monotonic() + seconds
        self.until("time passes", lambda: time.monotonic() > ends, seconds + 5)

    def well(self) -> bool:
        self.vitals.read()
        return self.vitals.well

    def break_it(self, fault: str) -> None:
        break_(fault, self.stage.lab.layout.directory)

    def mend(self) -> None:
        fix(self.stage.lab.layout.directory)

    def until(self, what: str, ready: Callable[[], _Found], most: float) -> _Found:
        """Poll the real world until something is so; the longest wait is bounded and named."""
        ends = time.monotonic() + most
        while time.monotonic() < ends:
            found = ready()
            if found:
                return found
            time.sleep(0.3)
        raise AssertionError(f"not within {most:.0f} s: {what}; log: {self.log()}")

    def incident(self) -> dict[str, Any]:
        found = self.until("an incident", self.engineer.incidents, 90)
        return found[0]

    def see(self, incident: str) -> dict[str, Any]:
        return self.engineer.incident(incident)

    def question(self, incident: str) -> dict[str, Any]:
        """The view once the investigation is over."""

        def read() -> dict[str, Any] | None:
            view = self.see(incident)
            return view if view["incident"]["status"] != "investigating" else None

        return self.until("the evidence is read", read, 60)

    def phase(self, incident: str, wanted: str, most: float) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            view = self.see(incident)
            rollout = view["rollout"]
            if rollout and rollout["phase"] in ("reverted", "stuck") and wanted not in ("reverted", "stuck"):
                raise AssertionError(f"{rollout['phase']}: {rollout['reason']}")
            return view if rollout and rollout["phase"] == wanted else None

        return self.until(f"the rollout is {wanted}", reached, most)

    def resolved(self, incident: str, most: float = 200) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            view = self.see(incident)
            return view if view["incident"]["status"] in ("resolved", "needs_human") else None

        view = self.until("the incident is over", over, most)
        assert view["incident"]["status"] == "resolved", view["incident"]["note"]
        return view

    def share(self) -> float:
        """Share of traffic on the canary arm, as the balancer says."""
        admin = self.stage.lab.description.envoy_admin_url
        entries = httpx2.get(f"{admin}/runtime?format=json", trust_env=False).json()["entries"]
        value = entries.get("canary.share", {}).get("final_value", "0") or "0"
        if value.startswith("{"):
            parts = json.loads(value)
            return (
                parts["numerator"]
                / {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}[parts["denominator"]]
            )
        return float(value) / 100

    def served(self) -> tuple[int, int]:
        """Completed requests of the stable and the canary arm, as the balancer counted."""
        admin = self.stage.lab.description.envoy_admin_url
        text = httpx2.get(f"{admin}/stats?filter=upstream_rq_completed", trust_env=False).text
        counts = dict(line.split(": ") for line in text.splitlines() if line)
        return tuple(
            int(counts.get(f"cluster.{arm}.upstream_rq_completed", 0)) for arm in ("stable", "canary")
        )

    def database(self, query: str) -> Any:
        with psycopg.connect(self.stage.lab.description.read_only_dsn) as link:
            row = link.execute(query).fetchone()
        return row[0] if row else None

    def crash(self) -> None:
        """Kill -9 of the service."""
        self.stage.stop_service(signal.SIGKILL)

    def revive(self) -> None:
        self.stage.start_service()
        self.engineer.close()
        self.engineer = Engineer(self.stage.access)
        self.engineer.sign_in()

    def log(self) -> str:
        path = self.stage.folder / "service.log"
        return path.read_text(errors="replace")[-1500:] if path.exists() else ""


@contextmanager
def world(folder: Path, base_port: int, metrics: str = "mini") -> Iterator[World]:
    """A running world that leaves nothing running."""
    folder.mkdir(parents=True, exist_ok=True)
    with Stage(folder, base_port, metrics) as stage:
        stage.start(lambda _: None)
        here = World(stage)
        try:
            yield here
        finally:
            here.engineer.close()
