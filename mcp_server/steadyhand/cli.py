"""The terminal door: what each command takes stands in commands/grammar, what it does beside it."""

import argparse
import sys
from collections.abc import Sequence

from steadyhand.commands.grammar import (
    Command,
    evaluation,
    incidents,
    lab,
    messages,
    oncall,
    quiet,
    records,
    service,
)

FAMILIES = (service, oncall, incidents, quiet, messages, records, evaluation, lab)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 refused or failed, 2 called wrongly."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["mcp"]:
        # Before anything heavy: a session wants its tools within a blink.
        from steadyhand.pipe import main as pipe  # noqa: PLC0415

        return pipe()
    args, strange = parser().parse_known_args(given)
    if strange:  # of this command, not of all of them: its own usage says what it takes
        args.itself.error(f"unrecognized arguments: {' '.join(strange)}")
    command: Command = args.run
    return _guarded(command, args)


def _guarded(command: Command, args: argparse.Namespace) -> int:
    from steadyhand.ports import SteadyhandError  # noqa: PLC0415 - pydantic comes with it

    try:
        return command(args)
    except SteadyhandError as error:
        sys.stderr.write(f"steadyhand: {error}\n")
        return 1
    except OSError as error:  # a folder, a file or a disk; its own text names it
        sys.stderr.write(f"steadyhand: {error}\n")
        return 1
    except (KeyboardInterrupt, EOFError):
        return 130


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog="steadyhand", description="Incident response for on-call engineers.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, help_text: str, run: Command) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_text, description=help_text)
        one.set_defaults(run=run, itself=one)
        return one

    for family in FAMILIES:
        family.declare(add)
    return whole
