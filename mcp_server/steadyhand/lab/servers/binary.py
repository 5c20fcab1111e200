"""Where the servers' programs are: inside wheels, or on the PATH."""

import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

from steadyhand.lab.failure import LabError


def in_wheel(package: str, *inside: str) -> Path | None:
    """A file of an installed package, found without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent.joinpath(*inside)
    return path if path.exists() else None


def on_path(*names: str) -> Path | None:
    """The first of these programs that is installed."""
    found = next((place for place in map(shutil.which, names) if place), None)
    return Path(found) if found else None


def missing(server: str, way_out: str) -> LabError:
    """The sentence for a server this machine has not got."""
    return LabError(f"the lab has no {server} for {platform.system()} {platform.machine()}; {way_out}")
