"""lab and demo."""

import argparse
from pathlib import Path

from steadyhand.commands.grammar import Add


def declare(add: Add) -> None:
    """The little production, and the story it tells."""
    lab = add("lab", "A real little production that can be broken.", _lab)
    lab.add_argument("what", choices=("up", "break", "fix", "status", "down"))
    lab.add_argument("fault", nargs="?", default="")
    lab.add_argument("--dir", type=Path, default=Path(".steadyhand/lab"))
    lab.add_argument("--base-port", type=int, default=18000)
    lab.add_argument("--rps", type=float, default=50.0)
    lab.add_argument("--detach", action="store_true")
    demo = add("demo", "Break a service for real and watch it being mended.", _demo)
    demo.add_argument("--fault", default="leaky-release")
    demo.add_argument("--auto-approve", action="store_true", help="a scripted engineer signs in and says yes")
    demo.add_argument("--base-port", type=int, default=18000)
    demo.add_argument("--dir", type=Path, default=Path(".steadyhand/demo"))


def _lab(args: argparse.Namespace) -> int:
    from steadyhand.commands.lab import lab

    return lab(args)


def _demo(args: argparse.Namespace) -> int:
    from steadyhand.demo import demo

    return demo(args.fault, args.dir, args.base_port, auto_approve=args.auto_approve)
