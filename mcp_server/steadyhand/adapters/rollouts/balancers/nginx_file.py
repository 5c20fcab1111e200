"""The split of one service as nginx reads it: a small file, written whole, and a reload.

    python nginx_file.py FILE PID_FILE SERVICE STABLE CANARY KEY

brings its traffic home. It needs nothing but the standard library, so that a watchdog may run it.
"""

import os
import signal
import sys
from pathlib import Path

_HUNDREDTHS = 10_000
_FIELDS = 6


def text(service: str, stable: str, canary: str, key: str, share: float) -> str:
    """The file for this share of 0..1, exact to a hundredth of a percent.

    Raises ValueError for a share that nginx cannot express.
    """
    parts = round(share * _HUNDREDTHS)
    if not 0 <= parts <= _HUNDREDTHS or abs(parts / _HUNDREDTHS - share) > 1e-9:  # noqa: PLR2004
        raise ValueError(f"{share} is no share in hundredths of a percent")
    name = service.replace("-", "_").replace(".", "_")
    arms = {0: f"* {stable};", _HUNDREDTHS: f"* {canary};"}
    split = arms.get(parts, f"{parts / 100:.2f}% {canary}; * {stable};")
    return (
        "# Written by Steadyhand; what stands here is overwritten.\n"
        f"map $host $steadyhand_{name}_share {{ default {parts}; }}\n"
        f'split_clients "{key}" $steadyhand_{name} {{ {split} }}\n'
    )


def write(path: Path, content: str) -> None:
    """Replace it at once: nginx sees the old file or the new one, never half of it."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def reload(pid_file: Path) -> None:
    """Tell the master to read its files anew. Raises OSError, ValueError when there is none."""
    os.kill(int(pid_file.read_text(encoding="ascii")), signal.SIGHUP)


def main(given: list[str]) -> int:
    """Share 0, whatever stood there."""
    if len(given) != _FIELDS:
        return 2
    path, pid_file, service, stable, canary, key = given
    write(Path(path), text(service, stable, canary, key, 0.0))
    reload(Path(pid_file))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
