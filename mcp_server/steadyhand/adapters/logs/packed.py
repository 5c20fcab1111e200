"""Compressed log files, unpacked for one look into a folder that is thrown away after it."""

import bz2
import gzip
import importlib
import lzma
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any


def _zstd(path: Path) -> IO[bytes]:
    """An extra: the standard library reads it from Python 3.14 on."""
    try:
        zstandard: Any = importlib.import_module("zstandard")
    except ImportError as error:
        why = "to read .zst files install steadyhand[zstd], or compress with gzip, bzip2 or xz"
        raise OSError(0, why) from error
    packed: IO[bytes] = zstandard.open(path, "rb")
    return packed


def _broken() -> tuple[type[Exception], ...]:
    """What is raised for a file that is damaged; zstd's own error only where it is there."""
    zstandard: Any = sys.modules.get("zstandard")
    zstd: tuple[type[Exception], ...] = (zstandard.ZstdError,) if zstandard else ()
    return (EOFError, lzma.LZMAError, zlib.error, *zstd)


_Packed = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile | IO[bytes]
_OPENERS: Mapping[str, Callable[[Path], _Packed]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zstd,
}
PACKED = tuple(_OPENERS)
_PART = 1024 * 1024


def unpack(path: Path, room: Path, most: int) -> Path:
    """The file unpacked into `room`, written when the packed one was.

    Raises OSError with the reason where it cannot be read, is broken, or holds more than `most` bytes.
    """
    number, made = tempfile.mkstemp(dir=room)
    try:
        with open(number, "wb") as out, _OPENERS[path.suffix](path) as packed:  # noqa: PTH123 - a descriptor, not a path
            while part := packed.read(_PART):
                if out.tell() + len(part) > most:
                    raise OSError(0, f"holds more than {most:,} bytes unpacked and was not read")
                out.write(part)
    except _broken() as error:
        raise OSError(0, f"cannot be unpacked: {error}") from error
    except gzip.BadGzipFile as error:
        raise OSError(0, str(error)) from error
    about = path.stat()
    os.utime(made, ns=(about.st_atime_ns, about.st_mtime_ns))
    return Path(made)
