"""Traces in files of OTLP JSON, a line for each export, as the collector's file exporter writes them."""

import asyncio
import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from steadyhand.adapters.traces.otlp import Export, spans_of
from steadyhand.adapters.traces.sampled import TraceRule, edges_from, renamed
from steadyhand.journey.evidence.chosen_traces import inside, picked
from steadyhand.journey.evidence.model import Span, SpanReport, Window
from steadyhand.journey.seen import CallEdge
from steadyhand.ports import SourceRefused

_LONGEST = 16 * 1024 * 1024


class OtlpFileSettings(TraceRule):
    """Which files."""

    kind: Literal["otlp_file"]
    name: str = "otlp"
    files: tuple[str, ...] = Field(min_length=1, description="Globs; rotated ones may match too.")
    most_spans: int = Field(default=200_000, ge=1, description="Keep at most so many of a window.")


class OtlpFiles:
    """A TraceSource over files on this machine."""

    def __init__(self, settings: OtlpFileSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def edges(self, window: Window) -> Sequence[CallEdge]:
        """Who called whom in all traces of the files."""
        return edges_from(await self.spans((), window, self._settings.most_spans), self.name)

    async def spans(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        """Traces that pass one of `services` (empty: any), failed ones first. Raises SourceRefused."""
        return await asyncio.to_thread(self._spans, services, window, most)

    def _spans(self, services: Sequence[str], window: Window, most: int) -> SpanReport:
        gaps: list[str] = []
        spans: list[Span] = []
        for span in inside(self._all(window, gaps), window):
            if len(spans) >= self._settings.most_spans:
                many = f"more than {len(spans):,} spans in the window"
                gaps.append(f"{self.name}: {many}; the rest was left out")
                break
            spans.append(span)
        report = picked(spans, services, window, most, self.name)
        return report.model_copy(update={"gaps": tuple(gaps)})

    def _all(self, window: Window, gaps: list[str]) -> Iterator[Span]:
        # patterns may be absolute, which Path.glob refuses
        paths = sorted({path for one in self._settings.files for path in glob.glob(one, recursive=True)})  # noqa: PTH207
        if not paths:
            raise SourceRefused(self.name, f"no file matches {', '.join(self._settings.files)}")
        for path in paths:
            try:
                if Path(path).stat().st_mtime >= window.start.timestamp():
                    yield from self._of(Path(path), gaps)
            except OSError as error:
                gaps.append(f"{self.name}: {path}: {error.strerror}")

    def _of(self, path: Path, gaps: list[str]) -> Iterator[Span]:
        broken = 0
        with path.open("rb") as file:
            while raw := file.readline(_LONGEST):
                try:
                    export = Export.model_validate_json(raw)
                except ValidationError:
                    broken += raw.endswith(b"\n")  # a last line may be being written
                    continue
                yield from renamed(spans_of(export.resources), self._settings.names)
        if broken:
            gaps.append(f"{self.name}: {path}: {broken} lines are no OTLP JSON")
