"""Makes demo.svg from a real run, which takes as long as a demo: python docs/pictures/record.py."""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from steadyhand.demo.engineer import Engineer
from steadyhand.demo.run import Story
from steadyhand.demo.screen import Screen, Waiting
from steadyhand.demo.stage import Stage

WIDTH = 112
OUT = Path(__file__).with_name("demo.svg")
FONT = re.compile(
    r"@font-face \{.*?\}\s*", re.DOTALL
)  # it names an address; a picture should need no network


class Paper(Screen):
    """A screen that keeps what is printed, and leaves out what only moves."""

    @property
    def live(self) -> bool:
        """As if somebody watched: then nothing is repeated every ten seconds."""
        return True

    @contextmanager
    def waiting(self, text: str) -> Iterator[Waiting]:
        """Nothing of it stays."""
        del text
        yield Waiting(self, lambda _words: None)


def record(fault: str, base_port: int) -> int:
    """Run the demo, with a scripted engineer, on a screen that remembers; returns the demo's exit code."""
    console = Console(record=True, width=WIDTH, highlight=False, color_system="truecolor")
    with (
        tempfile.TemporaryDirectory(prefix="steadyhand-") as folder,
        Stage(Path(folder), base_port) as stage,
        closing(Engineer(stage.access)) as engineer,
    ):
        code = Story(stage, Paper(console), engineer, auto_approve=True).tell(fault)
    picture = FONT.sub("", console.export_svg(title="make demo", theme=DIMMED_MONOKAI))
    # A line that names another folder has another length: let it have its own.
    line = re.compile(rf'textLength="[^"]*" ([^>]*>[^<]*?){re.escape(folder)}')
    OUT.write_text(line.sub(r"\1.steadyhand/demo", picture), encoding="utf-8")
    return code


def main() -> int:
    """Read the arguments and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", default="leaky-release")
    parser.add_argument("--base-port", type=int, default=18000)
    args = parser.parse_args()
    return record(args.fault, args.base_port)


if __name__ == "__main__":
    sys.exit(main())
