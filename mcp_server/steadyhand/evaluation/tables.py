"""Packed tables of a case: rows by column name, missing files as no rows."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

from steadyhand.evaluation.errors import BadCase


def rows(path: Path | None) -> Iterator[dict[str, str]]:
    """Each row by its column names; nothing where the file is not there. Raises BadCase."""
    if path is None or not path.is_file():
        return
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            yield from csv.DictReader(text)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadCase(f"{path}: {error}") from error


def number(text: str | None) -> float | None:
    """The number a cell holds; None where it holds none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None
