"""All tests, as two halves at once: what waits for real programs, and everything else beside it.

With arguments it is pytest on these. The first half shows its progress; the second half's output follows.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
REAL = "lab or claude or browser or prometheus or timed"
PYTEST = (sys.executable, "-m", "pytest")
COVERED = ("--cov", "--cov-branch", "--cov-fail-under=97")


def main(arguments: list[str]) -> int:
    """The exit code: 0 when both halves passed."""
    if arguments:
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        return _both(said)


def _both(said: IO[str]) -> int:
    # The half that waits for servers has the right of way: its clocks are real.
    beside = subprocess.Popen(
        ["nice", "-n", "10", *PYTEST, "-m", f"not ({REAL})", *COVERED],
        cwd=ROOT,
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    try:
        real = subprocess.run([*PYTEST, "-m", REAL], cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        real = 130  # the terminal has told the other half too
    rest = beside.wait()
    said.seek(0)
    sys.stdout.write(said.read())
    return real or rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
