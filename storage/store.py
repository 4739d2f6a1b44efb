"""The one narrow way by which a run is read and written: keys and bytes.

Owns the contract (`Store`) and its form on a local disk. Every write of a run is one call here, so that a remote
store, or a test that stops at every single write, replaces this class alone. Knows nothing of zarr or of runs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from .errors import DamagedRun, NotStorable
from .limits import KEY_BYTES

TEMPORARY: Final = ".rallax/tmp"
_ATTEMPTS: Final = 3
_THREADS: Final = 8
_WORTH_THREADS: Final = 2**22  # bytes; below, threads cost more than they save


class Store(Protocol):
    """Keys are relative paths with "/"; values are bytes.

    Writing calls are `put`, `put_all`, `append`, `delete_tree`, `sync` and `tidy`; each raises `OSError` when refused.
    """

    @property
    def location(self) -> str:
        """Where the run is, for messages."""

    def get(self, key: str) -> bytes | None:
        """The bytes of a key; None when it is not there."""

    def get_all(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        """As `get`, of many keys side by side."""

    def read_appended(self, key: str, last: int | None = None) -> bytes:
        """All that was ever appended to a key, or its last bytes; empty when nothing was."""

    def children(self, prefix: str) -> list[str]:
        """Sorted names of what lies directly below a prefix."""

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        """Writes a key whole or not at all; readers see the old or the new bytes, never a part.

        A key that is new and not `exclusive` may be torn by a power failure until the next `sync`.

        Raises:
            FileExistsError: when `exclusive` and the key is there; of several such calls with different data exactly
                one succeeds.
        """

    def put_all(self, items: Mapping[str, bytes]) -> None:
        """As `put` of each, side by side and in any order; after an error any of them may be there."""

    def append(self, key: str, data: bytes) -> None:
        """Adds to the end of a key that only `read_appended` reads; a crash may leave a part of `data`."""

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        """Removes a key, or all keys below a prefix; `first` (relative) goes no later than any other of them."""

    def sync(self) -> None:
        """Returns when all that was put and deleted before survives a power failure."""

    def tidy(self) -> None:
        """Removes what interrupted writes of earlier processes left."""

    def abandon(self) -> None:
        """Removes the directories that this object made and that are empty."""


class LocalStore:
    """A directory. `put` writes beside the target and renames; `sync` makes new files and names durable.

    The disk is asked for many new files at once: it then needs far fewer journal commits than one by one.

    Args:
        root: the run's directory; made with its parents by the first write.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._new_files: set[Path] = set()
        self._changed_directories: set[Path] = set()
        self._made: list[Path] = []

    @property
    def location(self) -> str:
        return str(self._root)

    def get(self, key: str) -> bytes | None:
        try:
            return _read(self._path(key))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def get_all(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        return {key: self.get(key) for key in keys}

    def read_appended(self, key: str, last: int | None = None) -> bytes:
        try:
            return _read(self._path(key), last)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return b""

    def children(self, prefix: str) -> list[str]:
        try:
            return sorted(os.listdir(self._path(prefix) if prefix else self._root))  # noqa: PTH208 (names only)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(FileNotFoundError):  # another process's `tidy` took our temporary file
                return self._put(key, data, exclusive)
        return self._put(key, data, exclusive)

    def _put(self, key: str, data: bytes, exclusive: bool) -> None:
        path = self._path(key)
        self._make(path.parent)
        temporary = self._temporary()
        late = not exclusive and not path.exists()
        try:
            _write_new(temporary, data, synced=not late)
            if exclusive:
                os.link(temporary, path)  # unlike a rename, this fails when the target exists
                temporary.unlink(missing_ok=True)
            else:
                temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        with self._lock:
            self._changed_directories.add(path.parent)
            if late:
                self._new_files.add(path)

    def put_all(self, items: Mapping[str, bytes]) -> None:
        if sum(map(len, items.values())) < _WORTH_THREADS:
            for key, data in items.items():
                self.put(key, data)
            return
        self._in_threads(lambda item: self.put(*item), items.items())

    def append(self, key: str, data: bytes) -> None:
        path = self._path(key)
        self._make(path.parent)
        # Not blocking: the opening of a pipe would wait for someone who reads.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        path = self._path(prefix)
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(FileNotFoundError):  # another process removes the same
                if not self._path(TEMPORARY).is_relative_to(path):
                    path = path.rename(self._temporary())  # all of it disappears at once, `first` with it
                shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        self._touched(self._path(prefix).parent)

    def sync(self) -> None:
        with self._lock:
            files, self._new_files = self._new_files, set()
            directories, self._changed_directories = self._changed_directories, set()
        if not files and len(directories) <= 2:
            for directory in directories:
                _sync(directory)
            return
        self._in_threads(_sync, files)
        self._in_threads(_sync, directories)

    def tidy(self) -> None:
        for name in self.children(TEMPORARY):
            path = self._path(TEMPORARY) / name
            with contextlib.suppress(FileNotFoundError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def abandon(self) -> None:
        for directory in reversed(self._made):
            try:
                directory.rmdir()
            except OSError:
                continue  # not empty: someone else's
        self._made.clear()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Kept, since a commit syncs twice, and to start threads costs more than what they do for so few files."""
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="rallax-store")

    def _in_threads(self, action: Callable[[Any], object], items: Iterable[Any]) -> None:
        """The action for each item; the first fault once all have ended, so that none goes on unseen."""
        futures = [self._pool.submit(action, item) for item in items]
        wait(futures)
        for future in futures:
            future.result()

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in parts):
            raise NotStorable(f"{self.location}: key {key!r} would leave the run")
        path = str(self._root)
        for part in parts:
            path = f"{path}/{part}"
            # A run that someone else made may hold links: what is read, written or removed would lie outside of it.
            if os.path.islink(path):  # noqa: PTH114 (for each part of each key)
                raise DamagedRun(f"{path}: is a symbolic link, and a run holds none; put what it leads to in its place")
        return Path(path)

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
            if self._root not in path.parents or (self._root / TEMPORARY).is_relative_to(path):  # for `abandon`
                self._made.append(path)
            self._touched(path.parent)

    def _touched(self, directory: Path) -> None:
        with self._lock:
            self._changed_directories.add(directory)


def _read(path: Path, last: int | None = None) -> bytes:
    """The bytes of a plain file, or its last ones: a device never ends, and a pipe waits for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise DamagedRun(f"{path}: is no plain file; restore this file from a copy")
        if last is not None:
            stream.seek(max(0, found.st_size - last))
            return stream.read(last)
        if found.st_size > KEY_BYTES:
            raise DamagedRun(f"{path}: has more than {KEY_BYTES} bytes, which nothing in a run has; restore it")
        return stream.read()


def _write_new(path: Path, data: bytes, *, synced: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write_all(descriptor, data)
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # deleted since
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
