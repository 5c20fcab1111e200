"""The story, from a calm service to a verified fix."""

import importlib.util
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from steadyhand.demo.engineer import Engineer
from steadyhand.demo.screen import Screen
from steadyhand.demo.stage import Stage
from steadyhand.demo.vitals import Vitals
from steadyhand.ports import ConfigError, SteadyhandError

_CALM_S = 27.0
_ALERT_S = 120.0
_DIAGNOSIS_S = 60.0
_ANSWER_S = 900.0
_ROLLOUT_S = 480.0
FAULTS = ("leaky-release", "missing-index")


def demo(fault: str, folder: Path, base_port: int, *, auto_approve: bool) -> int:
    """Tell the whole story; 0 only if the incident was truly resolved. Raises ConfigError."""
    if fault not in FAULTS:
        raise ConfigError(f"no fault {fault!r}; there are: {', '.join(FAULTS)}")
    if importlib.util.find_spec("promql_parser") is None:
        raise ConfigError("the demo needs its extra: pip install 'steadyhand[demo]'")
    from steadyhand.lab.failure import LabError  # noqa: PLC0415 - only with the extra

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Stage(folder, base_port) as stage, closing(Engineer(stage.access)) as engineer:
            return Story(stage, Screen(), engineer, auto_approve=auto_approve).tell(fault)
    except LabError as error:
        raise ConfigError(str(error)) from error


class Story:
    """One run of the demo."""

    def __init__(self, stage: Stage, screen: Screen, engineer: Engineer, *, auto_approve: bool) -> None:
        self._stage, self._screen = stage, screen
        self._scripted = auto_approve or not (screen.live and sys.stdin.isatty())
        self._engineer = engineer
        self._incident = ""

    def tell(self, fault: str) -> int:
        """All of it, in order."""
        self._open()
        vitals = Vitals(self._stage.lab.description.metrics_url)
        self._calm(vitals)
        broken_at = self._break(fault, vitals)
        self._diagnosed(vitals)
        self._answer(vitals)
        self._follow(vitals)
        return self._close(vitals, broken_at)

    def _open(self) -> None:
        screen = self._screen
        screen.phase("A little production starts: load -> Envoy -> 3 replicas -> PostgreSQL, Redis, payments")
        found = self._stage.start(lambda step: screen.say(step, "dim"))
        metrics = (
            "the real Prometheus" if found.metrics_kind == "real" else "mini-prom, a stand-in for Prometheus"
        )
        screen.say(
            f"Up in {found.start_s:.0f} s. Metrics: {metrics}. {found.orders:,} orders in the database."
        )
        access = self._stage.access
        self._engineer.sign_in()
        screen.say(f"Console: {access.url}   name: {access.name}   PIN: {access.pin}", "bold")

    def _calm(self, vitals: Vitals) -> None:
        screen = self._screen
        screen.phase("All is calm: what normal looks like")
        self._wait("users are well", lambda: None, vitals, _CALM_S, must=False)
        screen.draw(*vitals.lines)

    def _break(self, fault: str, vitals: Vitals) -> float:
        from steadyhand.lab.command import break_  # noqa: PLC0415 - only with the extra

        screen = self._screen
        screen.phase(
            "Somebody ships a change. Steadyhand is told of the release, not of what is wrong with it"
        )
        broken_at = time.time()  # noqa: TID251 - a demo has a wall clock
        break_(fault, self._stage.lab.layout.directory)
        found = self._wait("waiting for a pager to ring", self._first_incident, vitals, _ALERT_S)
        self._incident = str(found["id"])
        screen.draw(*vitals.lines)
        screen.say(f"{found['severity']} {found['title']}  ({found['severity_why']})", "bold red")
        for one in self._see()["receipts"]:
            screen.say(f"told: {one['channel']} {one['target']}: {one['subject']}")
        return broken_at

    def _first_incident(self) -> dict[str, Any] | None:
        found = self._engineer.incidents()
        return found[0] if found else None

    def _see(self) -> dict[str, Any]:
        return self._engineer.incident(self._incident)

    def _diagnosed(self, vitals: Vitals) -> None:
        screen = self._screen
        screen.phase("Steadyhand reads logs, metrics, changes and the database")
        view = self._wait("reading", self._done_reading, vitals, _DIAGNOSIS_S)
        page, diagnosis = view["page"], view["diagnosis"]
        items = {one["id"]: one for one in page["items"]}
        for one in page["order"][:8]:
            screen.say(f"{one:>4}  {items[one]['title']}")
        screen.phase("What is likely wrong")
        for one in diagnosis["hypotheses"][:3]:
            cites = ", ".join(one["supports"][:6])
            screen.say(
                f"{one['confidence']:>4.0%}  {one['claim']} [{cites}]", "bold" if one["rank"] == 1 else "dim"
            )
        none = diagnosis["none_of_these"]
        screen.say(f"{none:>4.0%}  none of these. ({diagnosis['calibrated_on']})", "dim")

    def _done_reading(self) -> dict[str, Any] | None:
        view = self._see()
        return view if view["incident"]["status"] != "investigating" else None

    def _answer(self, vitals: Vitals) -> None:
        screen, view = self._screen, self._see()
        plan = view["plan"]
        if plan is None:
            screen.say(f"No safe fix: {view['incident']['note']}", "bold red")
            return
        fix = plan["fix"]
        screen.phase("The fix, and its way back")
        screen.panel(
            fix["title"],
            f"risk {fix['risk']}: {fix['why_this_risk']}\ncost: {fix['cost']}\n"
            f"way back: {_words(fix['rollback'])}\nusers well in about {fix['recovery_s']} s"
            f"\ndigest {view['digest']}",
        )
        if self._scripted:
            screen.say(
                "Nobody sits here, so a scripted engineer signs in at the console and presses Approve."
            )
            self._engineer.decide(self._incident, "approve")
        elif self._asked():
            self._engineer.decide(self._incident, "approve")
        self._wait("waiting for the answer in the console", self._decided, vitals, _ANSWER_S)
        decided = self._see()["decision"]
        screen.say(f"{decided['answer']} by {decided['by']} via {decided['via']}", "bold green")

    def _asked(self) -> bool:
        """Somebody sits here: here or in the browser, both are the same door."""
        url = f"{self._stage.access.url}/incidents/{self._incident}"
        text = f"       Approve? Type yes here, or press Enter and decide in the browser at {url}: "
        return self._screen.console.input(text).strip().lower() in ("y", "yes")

    def _decided(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._see()["decision"]
        return found

    def _follow(self, vitals: Vitals) -> None:
        screen, told = self._screen, ""
        if self._see()["plan"] is None:
            return
        screen.phase("Carefully")

        def over() -> dict[str, Any] | None:
            nonlocal told
            view = self._see()
            rollout = view["rollout"]
            if rollout and rollout["phase"] != told:
                told = rollout["phase"]
                screen.say(
                    f"{told:<10} {rollout['reason']}", "bold" if told in ("verified", "reverted") else ""
                )
            return view if view["incident"]["status"] in ("resolved", "needs_human") else None

        self._wait("the judge looks every second", over, vitals, _ROLLOUT_S)
        screen.draw(*vitals.lines)

    def _close(self, vitals: Vitals, broken_at: float) -> int:
        from steadyhand.demo.ending import ending  # noqa: PLC0415 - with its figures only at the end

        view = self._see()
        if view["incident"]["status"] == "resolved":  # one reading may be a hiccup of a busy machine
            self._wait("looking at the users once more", lambda: vitals.well, vitals, _CALM_S, must=False)
        code = ending(self._screen, self._stage, self._engineer, view, vitals, broken_at)
        if not self._scripted:
            self._screen.console.input("       Look around in the console; Enter ends the demo. ")
        return code

    def _wait(
        self, words: str, ready: Callable[[], Any], vitals: Vitals, most: float, *, must: bool = True
    ) -> Any:  # noqa: ANN401 - whatever was waited for
        ends = time.monotonic() + most
        with self._screen.waiting(words) as waiting:
            while time.monotonic() < ends:
                vitals.read()
                found = ready()
                if found:
                    return found
                waiting.show(words, *vitals.lines)
                time.sleep(1.0)
        if must:
            raise SteadyhandError(
                f"gave up {words} after {most:.0f} s; {self._stage.folder}/service.log may say why"
            )
        return None


def _words(action: dict[str, Any]) -> str:
    match action["kind"]:
        case "set_release":
            return f"bring {action['service']} to release {action['version']}"
        case "create_index":
            return f"create index {action['name']} on {action['table']}({', '.join(action['columns'])})"
        case _:
            return f"drop index {action['name']}"
