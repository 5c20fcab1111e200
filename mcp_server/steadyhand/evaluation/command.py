"""Any program as an engine: it reads files or asks tools, and writes JSON or submits hypotheses."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from steadyhand.evaluation.answers import Answer
from steadyhand.evaluation.case import Case
from steadyhand.evaluation.desk import desk_for
from steadyhand.evaluation.door import opened
from steadyhand.evaluation.engines import pack, parsed
from steadyhand.evaluation.errors import BadAnswer, NoEngine
from steadyhand.journey.diagnosis.playbook import Shelf

_MOST_BYTES = 1_000_000
_SHOWN = 300
MCP_SETTINGS = "mcp.json"


class Command:
    """A program that answers each case anew.

    Its working folder holds page.json, topology.json, evidence.txt, engine.json (the engine's own diagnosis)
    and mcp.json (where the tools are); its environment STEADYHAND_MCP_URL, STEADYHAND_MCP_TOKEN and
    STEADYHAND_INCIDENT. Truth is nowhere. Raises NoEngine without a program.
    """

    def __init__(self, command: str, deadline_s: float, playbooks: Shelf) -> None:
        self._argv: Sequence[str] = shlex.split(command)
        self._deadline_s = deadline_s
        self._playbooks = playbooks
        if not self._argv:
            raise NoEngine("--engine command needs the program that answers: --command PROGRAM")

    def __call__(self, case: Case) -> Answer:
        """The program's answer. Raises BadAnswer if it fails, is late or writes what cannot be read."""
        with (
            tempfile.TemporaryDirectory(prefix="steadyhand-eval-") as name,
            desk_for(case.inputs, self._playbooks) as desk,
            opened(desk.server) as door,
        ):
            folder = Path(name) / "case"
            folder.mkdir()
            for file, held in pack(case.inputs, self._playbooks).items():
                (folder / file).write_text(held, encoding="utf-8")
            (folder / MCP_SETTINGS).write_text(json.dumps(door.settings, indent=1), encoding="utf-8")
            told = {
                "STEADYHAND_MCP_URL": door.url,
                "STEADYHAND_MCP_TOKEN": door.token,
                "STEADYHAND_INCIDENT": desk.incident,
            }
            began = time.perf_counter()
            text = self._run(case.id, folder, told)
            return parsed(text, case.id, time.perf_counter() - began, desk)

    def _run(self, case: str, folder: Path, told: Mapping[str, str]) -> str:
        """Its standard output, from a file: a grandchild that holds a pipe open could keep us for ever."""
        out, err = folder.parent / "out", folder.parent / "err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            child = self._started(folder, told, stdout.fileno(), stderr.fileno())
            try:
                code = child.wait(self._deadline_s)
            except subprocess.TimeoutExpired as error:
                raise BadAnswer(f"{case}: no answer within {self._deadline_s:g} s") from error
            finally:
                _end(child)
        if code:
            raise BadAnswer(f"{case}: the program ended with {code}: {_tail(err)}")
        if out.stat().st_size > _MOST_BYTES:
            raise BadAnswer(f"{case}: the program wrote more than {_MOST_BYTES} bytes; an answer is short")
        return out.read_text(encoding="utf-8", errors="replace")

    def _started(
        self, folder: Path, told: Mapping[str, str], out: int, err: int
    ) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(  # noqa: S603 - the program the caller named, without a shell
                self._argv,
                cwd=folder,
                env={**os.environ, **told},  # noqa: TID251 - the program gets the caller's surroundings
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise NoEngine(f"--command: cannot start {self._argv[0]!r}: {error}") from error


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End it with whatever it started: it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-_SHOWN:].strip()
