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
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from .errors import DamagedRun, NotStorable
from .limits import KEY_BYTES

TEMPORARY: Final = ".rallax/tmp"
_ATTEMPTS: Final = 3
_THREADS: Final = 8
_WORTH_THREADS: Final = 2**22  # bytes; below, threads cost more than they save
_SPARE_BYTES: Final = 2**22
_SPARE_TREES: Final = 64


class Store(Protocol):
    """Keys are relative paths with "/"; values are bytes.

    Writing calls are `put`, `put_all`, `put_tree`, `append`, `delete_tree`, `sync`, `tidy` and `release`; each raises
    `OSError` when refused.
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

    def put_tree(self, prefix: str, items: Mapping[str, bytes]) -> None:
        """Writes keys (relative to a prefix, below which nothing is) side by side, none before the first of them.

        After an error, or when the process dies, each is there whole or not at all. All but the first may be torn by a
        power failure until the next `sync`.
        """

    def append(self, key: str, data: bytes) -> None:
        """Adds to the end of a key that only `read_appended` reads; a crash may leave a part of `data`."""

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        """Removes a key, or all keys below a prefix; `first` (relative) goes no later than any other of them."""

    def sync(self) -> None:
        """Returns when all that was put and deleted before survives a power failure."""

    def tidy(self) -> None:
        """Removes what interrupted writes of earlier processes left."""

    def release(self) -> None:
        """Removes what this object keeps only to make the next writes cheap."""

    def abandon(self) -> None:
        """Removes the directories that this object made and that are empty."""


@dataclass(frozen=True)
class _Tree:
    keys: frozenset[str]
    size: int


class LocalStore:
    """A directory. `put` writes beside the target and renames; `sync` makes new files and names durable.

    The disk is asked for many new files at once: it then needs far fewer journal commits than one by one. A commit has
    some sixty small files and as many directories, and what each takes of the processor is taken from the fit. So a
    tree is renamed as a whole, and small trees that are deleted are kept aside: the next ones of the same keys are
    written over them.

    Args:
        root: the run's directory; made with its parents by the first write.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._new_files: set[str] = set()
        self._changed_directories: set[str] = set()
        self._made: list[Path] = []
        self._trees: dict[str, _Tree] = {}
        """Where small ones stand that were put here."""
        self._spare: list[tuple[str, _Tree]] = []
        """Deleted ones, where they lie aside."""

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
            self._changed_directories.add(str(path.parent))
            if late:
                self._new_files.add(str(path))
                for place in [place for place in self._trees if f"{path}".startswith(f"{place}/")]:
                    del self._trees[place]  # it has other keys from now on

    def put_all(self, items: Mapping[str, bytes]) -> None:
        if sum(map(len, items.values())) < _WORTH_THREADS:
            for key, data in items.items():
                self.put(key, data)
            return
        self._in_threads(lambda item: self.put(*item), items.items())

    def put_tree(self, prefix: str, items: Mapping[str, bytes]) -> None:
        for attempt in range(_ATTEMPTS - 1):
            with contextlib.suppress(FileNotFoundError):  # another process's `tidy` took our temporary directory
                return self._put_tree(prefix, items, may_reuse=attempt == 0)
        return self._put_tree(prefix, items, may_reuse=False)

    def _put_tree(self, prefix: str, items: Mapping[str, bytes], *, may_reuse: bool) -> None:
        place = self._path(prefix)
        directories = self._directories_of(items)
        tree = _Tree(frozenset(items), sum(map(len, items.values())))
        self._make(place.parent)
        spare = self._take_spare(tree, directories) if may_reuse else None
        temporary = Path(spare) if spare else self._temporary()
        try:
            if spare is None:
                for directory in directories:
                    os.mkdir(f"{temporary}{directory}")  # noqa: PTH102 (strings: there are many of them)
            self._write_tree(str(temporary), items, tree.size, _overwrite if spare else _write_new)
            temporary.rename(place)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        with self._lock:
            self._new_files.update(f"{place}/{key}" for key in items)
            self._changed_directories.add(str(place.parent))
            if spare is None:
                self._changed_directories.update(f"{place}{directory}" for directory in directories)
            if tree.size <= _SPARE_BYTES:
                self._trees[str(place)] = tree

    def _directories_of(self, keys: Iterable[str]) -> list[str]:
        """Those of a tree of such keys, outer ones first: "" for its own, else "/NAME" relative to it."""
        found = {"": None}
        for key in keys:
            directory = ""
            for part in self._parts(key)[:-1]:
                directory = f"{directory}/{part}"
                found[directory] = None
        return list(found)

    def _write_tree(self, root: str, items: Mapping[str, bytes], size: int, write: Callable[..., None]) -> None:
        (first, data), *others = items.items()
        write(f"{root}/{first}", data, synced=True)
        if size < _WORTH_THREADS:
            for key, data in others:
                write(f"{root}/{key}", data, synced=False)
        else:
            self._in_threads(lambda item: write(f"{root}/{item[0]}", item[1], synced=False), others)

    def _take_spare(self, tree: _Tree, directories: Iterable[str]) -> str | None:
        """The path of a tree that was deleted and had the same keys; None when there is no such one."""
        with self._lock:
            found = next((entry for entry in self._spare if entry[1].keys == tree.keys), None)
            if found is None or tree.size > _SPARE_BYTES:
                return None
            self._spare.remove(found)
        path = found[0]
        with contextlib.suppress(OSError):
            # No link that someone put into it while it stood in its place is followed.
            if all(stat.S_ISDIR(os.lstat(f"{path}{directory}").st_mode) for directory in directories):
                return path
        shutil.rmtree(path, ignore_errors=True)
        return None

    def _keep_spare(self, place: str, aside: str) -> bool:
        """Whether the tree that stood at a place, and lies aside now, is kept for the next one of its keys."""
        with self._lock:
            tree = self._trees.pop(place, None)
            for inner in [inner for inner in self._trees if inner.startswith(f"{place}/")]:
                del self._trees[inner]
            # One that was never made durable may lack directories after a power failure.
            if tree is None or any(f"{place}/{key}" in self._new_files for key in tree.keys):
                return False
            kept = sum(other.size for _, other in self._spare)
            if len(self._spare) >= _SPARE_TREES or kept + tree.size > _SPARE_BYTES:
                return False
            self._spare.append((aside, tree))
            return True

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
                kept = False
                if not self._path(TEMPORARY).is_relative_to(path):
                    place, path = path, path.rename(self._temporary())  # all of it goes at once, `first` with it
                    kept = self._keep_spare(str(place), str(path))
                if not kept:
                    shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        self._touched(self._path(prefix).parent)

    def sync(self) -> None:
        with self._lock:
            files, self._new_files = self._new_files, set()
            directories, self._changed_directories = self._changed_directories, set()
        try:
            if not files and len(directories) <= 2:
                for directory in directories:
                    _sync(directory)
                return
            self._in_threads(_sync, files)
            self._in_threads(_sync, directories)
        except BaseException:
            with self._lock:  # none of it counts as durable
                self._new_files |= files
                self._changed_directories |= directories
            raise

    def release(self) -> None:
        with self._lock:
            spare, self._spare = self._spare, []
        for path, _ in spare:
            shutil.rmtree(path, ignore_errors=True)  # what stays is removed by the next `tidy`

    def tidy(self) -> None:
        with self._lock:
            self._spare.clear()
        for name in self.children(TEMPORARY):
            path = self._path(TEMPORARY) / name
            with contextlib.suppress(FileNotFoundError):
                if path.is_dir() and not path.is_symlink():
                    # Under another name nobody renames it into its place while it is being emptied.
                    shutil.rmtree(path.rename(self._temporary()))
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
        """The action for each item; a fault once all threads have ended, so that none goes on unseen."""
        left = list(items)

        def work() -> None:
            # Threads that take the next item cost a fraction of what handing over each one does.
            while left:
                try:
                    item = left.pop()
                except IndexError:  # another thread was faster
                    return
                action(item)

        futures = [self._pool.submit(work) for _ in range(min(_THREADS, len(left)))]
        wait(futures)
        for future in futures:
            future.result()

    def _parts(self, key: str) -> list[str]:
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in parts):
            raise NotStorable(f"{self.location}: key {key!r} would leave the run")
        return parts

    def _path(self, key: str) -> Path:
        path = str(self._root)
        for part in self._parts(key):
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
            self._changed_directories.add(str(directory))


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


def _write_new(path: str | Path, data: bytes, *, synced: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write_all(descriptor, data)
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _overwrite(path: str, data: bytes, *, synced: bool) -> None:
    """As `_write_new`, over a file that is there; where that is not a plain one of ours alone, in its place."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError:  # a link, say
        return _replace(path, data, synced=synced)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:  # someone keeps a copy by a hard link
            return _replace(path, data, synced=synced)
        _write_all(descriptor, data)
        if found.st_size != len(data):
            os.ftruncate(descriptor, len(data))
        if synced:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: str, data: bytes, *, synced: bool) -> None:
    os.unlink(path)  # noqa: PTH108 (a string)
    _write_new(path, data, synced=synced)


def _sync(path: str) -> None:
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
