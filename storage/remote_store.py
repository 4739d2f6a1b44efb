"""A run in an object store: `s3://bucket/prefix` and, by the same path, `gs://bucket/prefix`, through fsspec.

Owns how the contract of `Store` is met where there are no directories, no appending and no renaming: one key is one
object, an exclusive put is a conditional one, and a put that has returned is durable. What is retried, and for how
long, is `remote_errors`'.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Final, TypeVar

from .errors import NotARun, NotStorable, StorageError
from .remote_errors import Patience, raise_missing_bucket

SCHEMES: Final = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gcs")}
"""Scheme -> the package that speaks it and the extra of rallax that brings it."""

_THREADS: Final = 16
_DELETED_AT_ONCE: Final = 1000  # the most that S3 takes in one request
_PART_BYTES: Final = 64 * 1024
# Objects above this size would go up in parts, which a conditional put is not known to bear everywhere; chunks are
# of 16 MB at most.
_CHUNK_BYTES: Final = 2**30

T = TypeVar("T")


def is_remote(place: str) -> bool:
    """Whether a place is written as that of an object store."""
    return "://" in place


def check_place(place: str) -> str:
    """Returns a remote place without a slash at its end.

    Raises:
        NotARun: for a scheme that is not known, or a place that names no bucket and prefix.
    """
    scheme, _, rest = place.partition("://")
    known = " and ".join(f"{name}://" for name in SCHEMES)
    if scheme not in SCHEMES:
        raise NotARun(f"{place}: {scheme}:// is not spoken; runs are kept in directories and in {known}")
    parts = rest.rstrip("/").split("/")
    if not parts[0] or any(part in ("", ".", "..") for part in parts) or any(c in rest for c in "\0?#*[]"):
        raise NotARun(f"{place}: names no bucket and prefix; write it as {scheme}://BUCKET/PREFIX")
    return place.rstrip("/")


def open_filesystem(place: str) -> Any:
    """The fsspec filesystem of a place; endpoint and credentials come from the environment, listings are never cached.

    Raises:
        StorageError: when the package that speaks the scheme is not installed; the message names the extra.
    """
    scheme = place.partition("://")[0]
    package, extra = SCHEMES[scheme]
    named = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "GOOGLE_", "GCS_"))}
    try:
        return _filesystem(scheme, tuple(sorted(named.items())))
    except ImportError as error:
        raise StorageError(
            f"{place}: {scheme}:// needs the package {package}; install it with: pip install 'rallax[{extra}]'"
        ) from error


@lru_cache(maxsize=8)
def _filesystem(scheme: str, environment: tuple[tuple[str, str], ...]) -> Any:
    """One for each scheme and environment: a client takes a second to set up."""
    del environment
    import fsspec

    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if scheme == "s3":
        # Patience is ours alone: three layers that each retry would multiply.
        once = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 60}
        options |= {"config_kwargs": {**once, "max_pool_connections": 2 * _THREADS}}
    filesystem = fsspec.filesystem(scheme, **options)
    filesystem.retries = 1
    return filesystem


class RemoteStore:
    """Objects below a prefix of a bucket.

    A key that is appended to is a folder of numbered parts: a part is written anew with every line until it is full, so
    that a reader sees whole lines only. The name of a part carries its writer's mark: two processes never write one
    part.

    Args:
        place: such as ``s3://bucket/prefix``.
        filesystem: of fsspec; None opens that of the place.
    """

    def __init__(self, place: str, filesystem: Any = None) -> None:
        self._place = check_place(place)
        self._prefix = self._place.partition("://")[2]
        self._filesystem = open_filesystem(self._place) if filesystem is None else filesystem
        self._patience = Patience(self._place)
        self._mark = uuid.uuid4().hex[:8]
        self._lock = threading.Lock()
        self._parts: dict[str, tuple[int, bytes]] = {}

    @property
    def location(self) -> str:
        return self._place

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            return bytes(self._call(key, lambda: self._filesystem.cat_file(path)))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise_missing_bucket(error)
            return None

    def get_all(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        names = list(keys)
        return dict(zip(names, self._many(self.get, names), strict=True))

    def children(self, prefix: str) -> list[str]:
        path = self._path(prefix) if prefix else self._prefix
        try:
            found = self._call(prefix, lambda: self._filesystem.ls(path, detail=False, refresh=True))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise_missing_bucket(error)
            return []
        below = f"{path}/"
        names = {name.strip("/").removeprefix(below) for name in found if name.strip("/").startswith(below)}
        return sorted(names - {""})

    def read_appended(self, key: str, last: int | None = None) -> bytes:
        names = self.children(key)
        if last is None:
            return b"".join(data or b"" for data in self.get_all(f"{key}/{name}" for name in names).values())
        found = b""
        at_once = max(1, min(_THREADS, last // _PART_BYTES))
        while names and len(found) < last:
            names, newest = names[:-at_once], names[-at_once:]
            found = b"".join(data or b"" for data in self.get_all(f"{key}/{name}" for name in newest).values()) + found
        return found[-last:]

    # -- writing -------------------------------------------------------------------------------------------------------

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        path, mode = self._path(key), "create" if exclusive else "overwrite"
        write = self._filesystem.pipe_file
        try:
            self._call(key, lambda: write(path, data, mode=mode, chunksize=_CHUNK_BYTES))
        except FileExistsError:
            # The answer to our own put may have been lost, and what stands there be ours.
            if not data or self.get(key) != data:
                raise

    def put_all(self, items: Mapping[str, bytes]) -> None:
        self._many(lambda item: self.put(*item), list(items.items()))

    def put_tree(self, prefix: str, items: Mapping[str, bytes]) -> None:
        (first, data), *rest = ((f"{prefix}/{key}", data) for key, data in items.items())
        self.put(first, data)
        self.put_all(dict(rest))

    def append(self, key: str, data: bytes) -> None:
        with self._lock:
            number, part = self._parts.get(key) or (self._next_part(key), b"")
            if len(part) >= _PART_BYTES:
                number, part = number + 1, b""
            part += data
            self.put(f"{key}/{number:08d}-{self._mark}", part)
            self._parts[key] = (number, part)

    def _next_part(self, key: str) -> int:
        numbers = [name.partition("-")[0] for name in self.children(key)]
        return max((int(number) for number in numbers if number.isdigit()), default=0) + 1

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        path = self._path(prefix)
        if first:
            self._delete([f"{path}/{first}"])
        try:
            below = self._call(prefix, lambda: self._filesystem.find(path))
        except FileNotFoundError as error:
            raise_missing_bucket(error)
            return
        for start in range(0, len(below), _DELETED_AT_ONCE):
            self._delete(below[start : start + _DELETED_AT_ONCE])
        with self._lock:
            gone = [key for key in self._parts if f"{key}/".startswith(f"{prefix}/")]
            for key in gone:
                del self._parts[key]

    def _delete(self, paths: list[str]) -> None:
        try:
            self._call(paths[0].removeprefix(f"{self._prefix}/"), lambda: self._filesystem.rm(paths))
        except FileNotFoundError as error:  # gone already: another process removes the same
            raise_missing_bucket(error)

    def sync(self) -> None:
        """Nothing: a put or a deletion that has returned is durable."""

    def tidy(self) -> None:
        """Nothing: a put that was interrupted leaves no object."""

    def release(self) -> None:
        """Nothing: nothing is kept."""

    def abandon(self) -> None:
        """Nothing: there are no directories."""

    # -- inside --------------------------------------------------------------------------------------------------------

    def _path(self, key: str) -> str:
        if any(part in ("", ".", "..") or "\0" in part for part in key.split("/")):
            raise NotStorable(f"{self.location}: key {key!r} would leave the run")
        return f"{self._prefix}/{key}"

    def _call(self, key: str, action: Callable[[], T]) -> T:
        return self._patience.call(f"{self._place}/{key}".rstrip("/"), action)

    def _many(self, action: Callable[[Any], T], items: list[Any]) -> list[T]:
        """In threads: what an object costs is the way there and back."""
        if len(items) < 2:
            return [action(item) for item in items]
        with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
            return list(pool.map(action, items))
