"""All tests, as two halves at once: what waits for real programs, and everything else beside it.

With arguments it is pytest on these. The first half shows its progress; the second half's output follows.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
REAL = "lab or claude or browser or prometheus or timed"
PYTEST = (sys.executable, "-m", "pytest")
COVERED = ("--cov", "--cov-branch", "--cov-fail-under=97")
ON_ALL_CORES = ("-n", "logical", "--dist", "loadfile")  # a file's servers are started once


def main(arguments: list[str]) -> int:
    """The exit code: 0 when both halves passed."""
    if arguments:
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        return _both(said)


def _both(said: IO[str]) -> int:
    # The half that waits for servers has the right of way: its clocks are real, and a busy lab is not well.
    beside = subprocess.Popen(
        ["nice", "-n", "19", *PYTEST, "-m", f"not ({REAL})", *ON_ALL_CORES, *COVERED],
        cwd=ROOT,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with suppress(OSError):  # Linux weighs sessions before it weighs what runs in them
        Path(f"/proc/{beside.pid}/autogroup").write_text("19", encoding="ascii")
    try:
        real = subprocess.run([*PYTEST, "-m", REAL], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        real = 130
        os.killpg(beside.pid, signal.SIGINT)
    rest = beside.wait()
    said.seek(0)
    sys.stdout.write(said.read())
    return real or rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
