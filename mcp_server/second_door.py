"""A build hook: the stdio door goes into the wheel twice, in the package and where the bundled plugin has it.

`force-include` alone would move the file, since it takes what it names out of the package.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DOOR = "mcp_server/steadyhand/pipe.py"


class SecondDoor(BuildHookInterface[Any]):
    """Lays a copy aside, outside the tree, while the wheel is built."""

    aside: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the copy for the bundle. An editable installation has the tree itself."""
        if version == "editable":
            return
        self.aside = Path(tempfile.mkdtemp(prefix="steadyhand-wheel-"))
        copy = shutil.copy2(Path(self.root) / DOOR, self.aside)
        build_data["force_include"][copy] = f"steadyhand/bundle/{DOOR}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the copy away."""
        del version, build_data, artifact_path
        if self.aside is not None:
            shutil.rmtree(self.aside)
