"""Opening files that a job or a run names: plain files only, and no further than a limit.

A device never ends and a pipe waits for ever; and what was a file when it was looked at need not be one when it is
read. So the file that was opened is asked, not its name. Owns no limit (see `limits`) and no format.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO


class Unreadable(ValueError):
    """A file that is not read; the text lacks its name, which the caller puts before it."""


def open_plain(path: Path, limit: int) -> BinaryIO:
    """Open a plain file of at most `limit` bytes for reading.

    Raises
    ------
    Unreadable : a directory, device or pipe; a larger file; or the system refuses
    """
    try:
        # Not blocking: the opening of a pipe would wait for someone who writes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Unreadable(f"cannot be looked at: {error}") from None
    stream = os.fdopen(descriptor, "rb")
    found = os.fstat(descriptor)
    problem = None
    if not stat.S_ISREG(found.st_mode):
        problem = "is a directory; name a file" if stat.S_ISDIR(found.st_mode) else "is no plain file; name a file"
    elif found.st_size > limit:
        problem = f"is larger than {limit} bytes"
    if problem:
        stream.close()
        raise Unreadable(problem)
    return stream


def read_plain(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most `limit` bytes; raises as `open_plain` does."""
    with open_plain(path, limit) as stream:
        # A file may grow between the two, and those below /proc say that they are empty.
        content = _read(stream, limit + 1)
    if len(content) > limit:
        raise Unreadable(f"is larger than {limit} bytes")
    return content


def sha256_of_plain(path: Path, limit: int) -> str:
    """sha256 of the content of such a file; raises as `open_plain` does."""
    digest, left = hashlib.sha256(), limit
    with open_plain(path, limit) as stream:
        while block := _read(stream, min(2**20, left + 1)):
            left -= len(block)
            if left < 0:
                raise Unreadable(f"is larger than {limit} bytes")
            digest.update(block)
    return digest.hexdigest()


def _read(stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
