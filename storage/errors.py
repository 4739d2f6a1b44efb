"""The errors of a run on storage: one line each that names the place and says what to do.

Owns the classes and the translation of the operating system's errors. Does not decide when one is raised.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class StorageError(ValueError):
    """Base of every error that `rallax.storage` raises; the message is one line."""


class NotARun(StorageError):
    """There is no run at this place, or its creation was never completed."""


class NewerFormat(StorageError):
    """The run was written in a format that is newer than this program reads."""


class DamagedRun(StorageError):
    """Stored bytes are not those that were committed."""


class Fenced(StorageError):
    """Another process has taken the run over; this one must not write any more."""


class RunExists(StorageError):
    """A run, or something else, is already there."""


class NotWritable(StorageError):
    """The place refuses writing: permissions, a read-only disk, or a run opened for reading."""


class DiskFull(StorageError):
    """No space is left; what was committed before is intact."""


class NotStorable(StorageError):
    """A value, name or attribute that the run's format has no place for."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


def from_os_error(error: OSError, place: str, action: str) -> StorageError:
    """The one-line error for what the operating system refused.

    Args:
        error: what it raised.
        place: the run's location, used where the error names no file itself.
        action: "write" or "read".
    """
    where = error.filename if isinstance(error.filename, str) else place
    reason = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return DiskFull(f"{where}: {reason}; what was committed is intact: free some space, then resume")
    if error.errno in _REFUSED and action == "write":
        hint = "" if "://" in where else "; choose a directory that can be written"
        return NotWritable(f"{where}: {reason}{hint}")
    return StorageError(f"{where}: cannot {action}: {reason}")


@contextmanager
def one_line(place: str, action: str) -> Iterator[None]:
    """Turns an `OSError` inside the block into a `StorageError` (see `from_os_error`)."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, place, action) from error
