"""What the demo prints: one calm column, live where there is a terminal."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_BARS = " ▁▂▃▄▅▆▇█"
_POINTS = 48
_WIDE = 160
_INDENT = 7


class Sparkline:
    """The last readings of one number, drawn against a limit."""

    def __init__(self, title: str, unit: str, limit: float) -> None:
        self._title, self._unit, self._limit = title, unit, limit
        self._values: deque[float | None] = deque(maxlen=_POINTS)

    def add(self, value: float | None) -> None:
        """One more reading; None is a gap."""
        self._values.append(value)

    def __str__(self) -> str:
        known = [one for one in self._values if one is not None]
        top = max([self._limit * 1.5, *known])
        bars = "".join(_bar(one, top) for one in self._values)
        now = f"{known[-1]:.2f}{self._unit}" if known else "no data"
        colour = "red" if known and known[-1] > self._limit else "green"
        limit = f"[dim](limit {self._limit:g}{self._unit})[/]"
        return f"{self._title:<15}[{colour}]{bars:<{_POINTS}} {now}[/] {limit}"


def _bar(value: float | None, top: float) -> str:
    return "·" if value is None else _BARS[min(int(value / top * (len(_BARS) - 1) + 0.5), len(_BARS) - 1)]


class Screen:
    """Prints the story with the seconds since it began."""

    def __init__(self, console: Console | None = None) -> None:
        plain = Console(highlight=False)
        # Without a terminal there is no width to keep to, and nobody wants a log cut at 80 columns.
        self.console = console or (plain if plain.is_terminal else Console(highlight=False, width=_WIDE))
        self._began = time.monotonic()
        self._printed = ""

    @property
    def live(self) -> bool:
        """Whether somebody may be sitting in front of it."""
        return self.console.is_terminal

    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began

    def phase(self, title: str) -> None:
        """A new part of the story."""
        clock = timedelta(seconds=round(self.seconds()))
        self.console.print(f"\n[bold cyan]{str(clock)[2:]}  {title}[/]")

    def say(self, text: str, style: str = "") -> None:
        """One line. The text is plain: what looks like markup is printed as it is."""
        self.console.print(Padding(Text(text), (0, 0, 0, _INDENT)), style=style)

    def draw(self, *lines: Sparkline) -> None:
        """The charts as they are now."""
        for one in lines:
            self.console.print(f"       {one}")

    def panel(self, title: str, text: str, style: str = "cyan") -> None:
        """Something to read before going on."""
        self.console.print(Panel(escape(text), title=title, border_style=style, padding=(0, 2)))

    def table(self, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Figures side by side."""
        table = Table(*head, box=None, pad_edge=True, header_style="dim")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    @contextmanager
    def waiting(self, text: str) -> Iterator["Waiting"]:
        """A line that moves while something is waited for."""
        with self.console.status(f"       {escape(text)}") as status:
            yield Waiting(self, lambda words: status.update(f"       {words}"))


class Waiting:
    """The moving line; without a terminal it says something new at most every ten seconds."""

    def __init__(self, screen: Screen, update: Callable[[str], None]) -> None:
        self._screen, self._update, self._last = screen, update, time.monotonic()

    def show(self, words: str, *lines: Sparkline) -> None:
        """What is so now."""
        if self._screen.live:
            self._update("\n       ".join((escape(words), *map(str, lines))))
        elif time.monotonic() - self._last > 10:  # noqa: PLR2004 - seconds, said above
            self._last = time.monotonic()
            self._screen.say(words, "dim")
            self._screen.draw(*lines)
