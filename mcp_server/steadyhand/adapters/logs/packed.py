"""Compressed log files, unpacked for one look into a folder that is thrown away after it."""

import bz2
import gzip
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

_Packed = gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
_OPENERS: Mapping[str, Callable[[Path], _Packed]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
PACKED = (*_OPENERS, ".zst")
_PART = 1024 * 1024


def unpack(path: Path, room: Path, most: int) -> Path:
    """The file unpacked into `room`, written when the packed one was.

    Raises OSError with the reason where it cannot be read, is broken, or holds more than `most` bytes.
    """
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        raise OSError(0, f"{path.suffix} files cannot be unpacked here; compress with gzip, bzip2 or xz")
    number, made = tempfile.mkstemp(dir=room)
    try:
        with open(number, "wb") as out, opener(path) as packed:  # noqa: PTH123 - a descriptor, not a path
            while part := packed.read(_PART):
                if out.tell() + len(part) > most:
                    raise OSError(0, f"holds more than {most:,} bytes unpacked and was not read")
                out.write(part)
    except (EOFError, lzma.LZMAError, zlib.error) as error:
        raise OSError(0, f"cannot be unpacked: {error}") from error
    except gzip.BadGzipFile as error:
        raise OSError(0, str(error)) from error
    about = path.stat()
    os.utime(made, ns=(about.st_atime_ns, about.st_mtime_ns))
    return Path(made)
