"""The one narrow way by which a run is read and written: keys and bytes.

Owns the contract (`Store`) and its form on a local disk. Every write of a run is one call here, so that a remote
store, or a test that stops at every single write, replaces this class alone. Knows nothing of zarr or of runs.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import uuid
from pathlib import Path
from typing import Final, Protocol

from .errors import NotStorable

TEMPORARY: Final = ".rallax/tmp"


class Store(Protocol):
    """Keys are relative paths with "/"; values are bytes.

    Writing calls are `put`, `append`, `delete_tree`, `sync` and `tidy`; each raises `OSError` when refused.
    """

    @property
    def location(self) -> str:
        """Where the run is, for messages."""

    def get(self, key: str) -> bytes | None:
        """The bytes of a key; None when it is not there."""

    def children(self, prefix: str) -> list[str]:
        """Sorted names of what lies directly below a prefix."""

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        """Writes a key whole or not at all; readers see the old or the new bytes, never a part.

        Raises:
            FileExistsError: when `exclusive` and the key is there; of several such calls exactly one succeeds.
        """

    def append(self, key: str, data: bytes) -> None:
        """Adds to the end of a key; a crash may leave a part of `data`."""

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        """Removes a key, or all keys below a prefix; `first` (relative) goes no later than any other of them."""

    def sync(self) -> None:
        """Returns when all that was put and deleted before survives a power failure."""

    def tidy(self) -> None:
        """Removes what interrupted writes of earlier processes left."""

    def abandon(self) -> None:
        """Removes the directories that this object made and that are empty."""


class LocalStore:
    """A directory. `put` writes beside the target, syncs and renames; `sync` makes the names durable.

    Args:
        root: the run's directory; made with its parents by the first write.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._unsynced: set[Path] = set()
        self._made: list[Path] = []

    @property
    def location(self) -> str:
        return str(self._root)

    def get(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def children(self, prefix: str) -> list[str]:
        try:
            return sorted(os.listdir(self._path(prefix) if prefix else self._root))  # noqa: PTH208 (names only)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        path = self._path(key)
        self._make(path.parent)
        temporary = self._temporary()
        try:
            _write_synced(temporary, data)
            if exclusive:
                os.link(temporary, path)  # unlike a rename, this fails when the target exists
                temporary.unlink()
            else:
                temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._touched(path.parent)

    def append(self, key: str, data: bytes) -> None:
        path = self._path(key)
        self._make(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        path = self._path(prefix)
        if path.is_dir() and not path.is_symlink():
            gone = self._temporary()
            path.rename(gone)  # all of it disappears at once, `first` with it
            shutil.rmtree(gone)
        else:
            path.unlink(missing_ok=True)
        self._touched(path.parent)

    def sync(self) -> None:
        with self._lock:
            directories, self._unsynced = self._unsynced, set()
        for directory in sorted(directories):
            try:
                descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue  # deleted since
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def tidy(self) -> None:
        for name in self.children(TEMPORARY):
            path = self._path(TEMPORARY) / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def abandon(self) -> None:
        for directory in reversed(self._made):
            try:
                directory.rmdir()
            except OSError:
                continue  # not empty: someone else's
        self._made.clear()

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in parts):
            raise NotStorable(f"{self.location}: key {key!r} would leave the run")
        return self._root.joinpath(*parts)

    def _temporary(self) -> Path:
        folder = self._path(TEMPORARY)
        self._make(folder)
        return folder / uuid.uuid4().hex

    def _make(self, directory: Path) -> None:
        missing = []
        while not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        for path in reversed(missing):
            try:
                path.mkdir()
            except FileExistsError as error:
                if not path.is_dir():
                    raise NotADirectoryError(errno.ENOTDIR, "is a file, not a directory", str(path)) from error
                continue  # another thread or process was faster
            self._made.append(path)
            self._touched(path.parent)

    def _touched(self, directory: Path) -> None:
        with self._lock:
            self._unsynced.add(directory)


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
