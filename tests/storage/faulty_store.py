"""A store that fails where it is told to: for tests and benchmarks."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from rallax.storage import LocalStore, Store

TORN = 9  # the exit code of a process that ended itself in the middle of a write


class Killed(BaseException):
    """Stands for the death of the process: nothing of the program may catch it and go on writing."""


def _nothing(name: str) -> None:
    del name


class FaultyStore:
    """Passes everything on; at write number `at` (from 0) it does what `how` says.

    "refuse": the disk is full, or the object store has an error that stays. "die before", "die after": the process
    stops, by an exception that stands for death, before or after the write; a file is torn in its middle. "exit": as
    "die before", but the process really ends. A dead store takes no further write, as a dead process makes none.
    A `put_all` or `put_tree` counts as many writes as it has keys.
    """

    def __init__(self, inner: Store, at: int | None = None, how: str = "refuse") -> None:
        self.inner, self.at, self.how = inner, at, how
        self.writes: list[str] = []
        self.dead = False
        self._lock = threading.Lock()
        self.before: Callable[[str], None] = _nothing

    @property
    def location(self) -> str:
        return self.inner.location

    def get(self, key: str) -> bytes | None:
        return self.inner.get(key)

    def get_all(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        return self.inner.get_all(keys)

    def read_appended(self, key: str, last: int | None = None) -> bytes:
        return self.inner.read_appended(key, last)

    def children(self, prefix: str) -> list[str]:
        return self.inner.children(prefix)

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        def torn() -> None:
            if isinstance(self.inner, LocalStore):  # half of the bytes in the temporary file beside the key
                path = self.inner._temporary()
                path.write_bytes(data[: len(data) // 2])

        self._write(f"put {key}", lambda: self.inner.put(key, data, exclusive=exclusive), torn)

    def put_all(self, items: Mapping[str, bytes]) -> None:
        if self._all_at_once(items):
            self.inner.put_all(items)
            return
        for key, data in items.items():
            self.put(key, data)

    def put_tree(self, prefix: str, items: Mapping[str, bytes]) -> None:
        if self._all_at_once([f"{prefix}/{key}" for key in items]):
            self.inner.put_tree(prefix, items)
            return
        if not isinstance(self.inner, LocalStore):
            for key, data in items.items():
                self.put(f"{prefix}/{key}", data)
            return
        folder = self.inner._temporary()

        def torn(key: str) -> None:  # half of the bytes in a directory beside the prefix
            path = folder / key
            path.parent.mkdir(parents=True)
            path.write_bytes(items[key][: len(items[key]) // 2])

        *others, last = items
        for key in others:  # nothing is in its place before all are written
            self._write(f"put {prefix}/{key}", lambda: None, partial(torn, key))
        self._write(f"put {prefix}/{last}", lambda: self.inner.put_tree(prefix, items), partial(torn, last))

    def _all_at_once(self, keys: Collection[str]) -> bool:
        """Whether nothing is to happen at any of these writes, which are counted then."""
        with self._lock:
            begin = len(self.writes)
            whole = (
                self.before is _nothing
                and not self.dead
                and (self.at is None or not begin <= self.at < begin + len(keys))
            )
            if whole:
                self.writes += [f"put {key}" for key in keys]
        return whole

    def append(self, key: str, data: bytes) -> None:
        def torn() -> None:
            if isinstance(self.inner, LocalStore):
                self.inner.append(key, data[: len(data) // 2])

        self._write(f"append {key}", lambda: self.inner.append(key, data), torn)

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        def torn() -> None:
            if not isinstance(self.inner, LocalStore) and first:  # objects go one by one, the first of them first
                self.inner.delete_tree(f"{prefix}/{first}")

        self._write(f"delete {prefix}", lambda: self.inner.delete_tree(prefix, first=first), torn)

    def sync(self) -> None:
        self._write("sync", self.inner.sync)

    def tidy(self) -> None:
        self._write("tidy", self.inner.tidy)

    def release(self) -> None:
        self._write("release", self.inner.release)

    def abandon(self) -> None:
        self._write("abandon", self.inner.abandon)

    def _write(self, name: str, action: Callable[[], None], torn: Callable[[], None] = lambda: None) -> None:
        if self.dead:
            raise Killed(name)
        self.before(name)
        with self._lock:
            number = len(self.writes)
            self.writes.append(name)
        if number != self.at:
            action()
            return
        if self.how == "refuse":
            raise OSError(errno.ENOSPC, "No space left on device", f"{self.location} ({name})")
        if self.how == "die after":
            action()
        else:
            torn()
        if self.how == "exit":
            os._exit(TORN)
        self.dead = True
        raise Killed(name)
