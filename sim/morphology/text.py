"""The text of a reconstruction file, read no further than its limit and from plain files only.

Owns the opening: a device or a pipe would never end, and a file may become one between a look and the reading.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import MorphologyError
from .limits import FILE_BYTES


def read_text(path: Path) -> str:
    """The text of a file; bytes that are no UTF-8 become replacement characters.

    Raises:
        MorphologyError: not a plain file, or larger than `limits.FILE_BYTES`.
        OSError: the system refuses.
    """
    # Not blocking: the opening of a pipe would wait for someone who writes.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise MorphologyError(f"{path}: is no plain file; name a reconstruction")
        content = stream.read(FILE_BYTES + 1)
    check_size(path, len(content))
    return content.decode("utf-8", errors="replace")


def check_size(path: Path, size: int) -> None:
    """Raises `MorphologyError` for a file of more bytes than a reconstruction has."""
    if size > FILE_BYTES:
        raise MorphologyError(f"{path}: has more than {FILE_BYTES} bytes; no reconstruction is that large")
