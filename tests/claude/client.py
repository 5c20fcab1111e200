"""The real Claude Code client, run headless and offline with a throw-away home."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude.scripted_model import Line, ScriptedModel, speaking
from plugin.running import ROOT

PLATFORM = {
    ("Linux", "x86_64"): "linux-x64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "arm64"): "darwin-arm64",
    ("Darwin", "x86_64"): "darwin-x64",
}
BYPASS = ("--permission-mode", "bypassPermissions")
NO_HOOKS = ("--settings", json.dumps({"disableAllHooks": True}))


def find_client() -> Path | None:
    """STEADYHAND_CLAUDE, or what tests/claude/install.sh left in its cache."""
    package = f"claude-code-{PLATFORM.get((platform.system(), platform.machine()), 'unknown')}"
    cache = Path.home() / ".cache" / "steadyhand-ci" / "claude" / "node_modules" / "@anthropic-ai" / package
    wanted = Path(os.environ.get("STEADYHAND_CLAUDE") or cache / "claude")
    return wanted if wanted.is_file() else None


@dataclass(frozen=True)
class Run:
    """What one run of the client did."""

    events: Sequence[dict[str, Any]]
    model: ScriptedModel
    stderr: str
    code: int

    @property
    def init(self) -> dict[str, Any]:
        """What the client loaded."""
        return next(one for one in self.events if one.get("subtype") == "init")

    @property
    def denied(self) -> list[str]:
        """The tools it refused to run."""
        ends = [one for one in self.events if one["type"] == "result"]
        return [denial["tool_name"] for end in ends for denial in end["permission_denials"]]

    @property
    def results(self) -> list[str]:
        """What each tool call gave back, as text, in order."""
        contents = [one["message"]["content"] for one in self.events if one["type"] == "user"]
        blocks = [block for content in contents if isinstance(content, list) for block in content]
        return [json.dumps(block["content"]) for block in blocks if block["type"] == "tool_result"]


@dataclass(frozen=True)
class Client:
    """The client with its throw-away home."""

    binary: Path
    folder: Path
    service_home: Path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("CLAUDE", "ANTHROPIC"))
        }
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "CLAUDE_CONFIG_DIR": str(self.folder / "home" / ".claude"),
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "IS_SANDBOX": "1",
            "STEADYHAND_HOME": str(self.service_home),
            "STEADYHAND_PYTHON": sys.executable,
            **more,
        }

    def validate(self) -> dict[str, Any]:
        """The verdict of the client's own validator, in its strictest profile."""
        command = [self.binary, "plugin", "validate", "--strict", "--profile", "directory", "--json", ROOT]
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )
        verdict: dict[str, Any] = json.loads(done.stdout)
        return verdict

    def run(self, lines: Sequence[Line] | Mapping[str, Sequence[Line]], *flags: str, **env: str) -> Run:
        """Live these lines of the model, with the plugin loaded."""
        model = ScriptedModel(lines if isinstance(lines, Mapping) else {"": lines})
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        command = [
            self.binary,
            "-p",
            "go",
            "--output-format",
            "stream-json",
            "--verbose",
            "--plugin-dir",
            ROOT,
        ]
        with speaking(model):
            done = subprocess.run(
                [*command, *flags], cwd=work, env=self.environment(ANTHROPIC_BASE_URL=model.url, **env),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events, done.stderr
        return Run(events, model, done.stderr, done.returncode)
