"""The words of the command line: what each command takes; its own code is imported when it is called."""

import argparse
from collections.abc import Callable

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, str, Command], argparse.ArgumentParser]

WHICH = "incident-config.yaml; looked for where not given"


def signed(one: argparse.ArgumentParser) -> None:
    """A command that a person gives under their name."""
    one.add_argument("--as", dest="person", default="", help="your name; asked for where not given")


def on_an_incident(one: argparse.ArgumentParser) -> None:
    """A command about one incident, given under a name."""
    one.add_argument("id", nargs="?", default="", help="the incident; the newest open one where not given")
    signed(one)
