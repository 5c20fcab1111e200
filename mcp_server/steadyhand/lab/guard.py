"""Start one program so that it cannot outlive the process that asked for it.

Usage: guard.py PARENT_PID SIGNAL UID [--stay] -- PROGRAM ARGUMENT...

On Linux the kernel does the watching: this process drops to UID, asks for SIGNAL at its parent's death and
becomes the program. Elsewhere (`--stay`) it remains as a small parent that watches. Standard library only.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.25
_GRACE_S = 3.0


def drop_to(uid: int) -> None:
    """Become this user; nothing happens when it already is."""
    if uid != os.getuid():
        group = pwd.getpwuid(uid).pw_gid
        os.setgroups([])
        os.setgid(group)
        os.setuid(uid)


def become(argv: list[str], parent: int, death: int) -> None:
    """Ask for `death` at the parent's end, then turn into the program."""
    # A change of uid clears the request, so the drop came first.
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)
    os.execv(argv[0], argv)  # noqa: S606 - becoming the program is the purpose


def stay(argv: list[str], parent: int, death: int) -> int:
    """Run the program as a child, pass signals on, and end it with the parent."""
    child = subprocess.Popen(argv)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, _: child.send_signal(number))
    while child.poll() is None:
        if os.getppid() != parent:
            child.send_signal(death)
            try:
                return child.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                child.kill()
        time.sleep(_POLL_S)
    return child.returncode


def main(arguments: list[str]) -> None:
    """Read the command line and run the program."""
    cut = arguments.index("--")
    parent, death, uid = (int(text) for text in arguments[:3])
    drop_to(uid)
    if "--stay" in arguments[:cut]:
        sys.exit(stay(arguments[cut + 1 :], parent, death))
    become(arguments[cut + 1 :], parent, death)


if __name__ == "__main__":
    main(sys.argv[1:])
