"""`steadyhand lab`: up, break, fix, status, down."""

import argparse
import importlib.util
import sys

from steadyhand.ports import ConfigError


def lab(args: argparse.Namespace) -> int:
    """Do what was asked of the lab. Raises ConfigError where the extra is not installed."""
    if importlib.util.find_spec("promql_parser") is None:
        raise ConfigError("the lab needs its extra: pip install 'steadyhand[demo]'")
    from steadyhand.lab import command  # noqa: PLC0415 - only with the extra
    from steadyhand.lab.failure import LabError  # noqa: PLC0415
    from steadyhand.lab.settings import LabSettings  # noqa: PLC0415

    try:
        match args.what:
            case "up":
                settings = LabSettings(directory=args.dir, base_port=args.base_port, rps=args.rps)
                command.up(settings, detach=args.detach)
            case "break":
                command.break_(args.fault, args.dir)
            case "fix":
                command.fix(args.dir)
            case "status":
                sys.stdout.write(command.status(args.dir) + "\n")
            case _:
                stopped = command.down(args.dir)
                sys.stdout.write("The lab is stopped.\n" if stopped else "No lab runs here.\n")
    except LabError as error:
        raise ConfigError(str(error)) from error
    return 0
