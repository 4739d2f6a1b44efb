"""How a run comes into being, and how one is recognised.

A run exists from the moment that the document of its zarr root is there, which is written last. Owns that order, the
undoing when it fails, and the refusal of places that hold something else.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .documents import COMMITTED, PLACEHOLDER, check_attributes, open_group, open_seal, seal
from .errors import DamagedRun, NewerFormat, NotARun, NotStorable, RunExists, StorageError, one_line
from .groups import Encoded, encode_group, write_sealed
from .index import Index
from .layout import (
    CREATING,
    DATA,
    DOCUMENT,
    FORMAT,
    FORMAT_VERSION,
    PARAMETERS,
    PLAIN_GROUPS,
    ROOT,
    ZARR,
    check_file,
    check_name,
    in_zarr,
)
from .parameters import ParameterTable
from .remote_store import RemoteStore, is_remote
from .store import LocalStore, Store
from .variable import Group

_OWN = ("format", "format_version")


def as_store(location: str | Path | Store) -> Store:
    """The store at a place: a local directory, ``s3://…``, ``gs://…``, or a store as it is."""
    if not isinstance(location, str | Path):
        return location
    if is_remote(str(location)):
        return RemoteStore(str(location))
    if not str(location) or "\0" in str(location):
        raise NotARun(f"{str(location)!r}: no name of a directory")
    return LocalStore(Path(location))


def runs_in(place: str | Path) -> list[str]:
    """The places of the runs directly below a directory or a remote prefix, sorted; half-made ones are among them.

    Raises:
        NotARun: when the directory is not there.
    """
    if not is_remote(str(place)) and not Path(place).is_dir():
        raise NotARun(f"{place}: is no directory; name one that holds runs")
    store = as_store(place)
    with one_line(store.location, "read"):
        return [f"{store.location}/{name}" for name in store.children("") if ZARR in store.children(name)]


def create(
    store: Store,
    attributes: Mapping[str, Any],
    files: Mapping[str, bytes],
    sweeps: Mapping[str, Group],
    parameters: ParameterTable | None,
) -> None:
    """Writes a new run; see `RunStore.create`. What it wrote is removed when it fails."""
    own = [name for name in _OWN if name in attributes]
    if own:
        raise NotStorable(f"run attributes: {own[0]!r} is the run's own; choose another name")
    plain = check_attributes(attributes, "run attributes")
    groups: dict[str, Encoded] = {}
    for name, sweep in sweeps.items():
        groups[f"{DATA}/{check_name(name, 'sweep')}"] = encode_group(sweep)
    if parameters is not None:
        groups[PARAMETERS] = encode_group(parameters.to_group())
    for name in files:
        check_file(name)
    root = seal({"format": FORMAT, "format_version": FORMAT_VERSION, **plain}, {}, {})
    with one_line(store.location, "write"):
        _clear(store)
        token = uuid.uuid4().hex.encode("ascii")
        try:
            _write(store, token, Index(root), files, groups)
        except _LostRace as error:
            raise _being_created(store) from error
        except BaseException:
            with contextlib.suppress(OSError):
                if store.get(CREATING) == token:  # else the place is another's by now
                    _remove(store)
            store.abandon()
            raise


class _LostRace(Exception):
    """Another process creates a run in the same place."""


def _write(store: Store, token: bytes, index: Index, files: Mapping[str, bytes], groups: Mapping[str, Encoded]) -> None:
    def still_ours() -> None:
        if store.get(CREATING) != token:
            raise _LostRace

    try:
        store.put(CREATING, token, exclusive=True)
    except FileExistsError as error:
        raise _LostRace from error
    store.put_all(dict(files))
    store.put_all({f"{in_zarr(path)}/{DOCUMENT}": PLACEHOLDER for path in PLAIN_GROUPS})
    for path, encoded in groups.items():
        still_ours()
        index.add(path, write_sealed(store, path, encoded, {}), encoded.keys)
    store.sync()
    still_ours()
    try:
        store.put(ROOT, index.document(), exclusive=True)
    except FileExistsError as error:
        raise _LostRace from error
    store.sync()
    store.delete_tree(CREATING)


def _clear(store: Store) -> None:
    """Removes what a creation that was killed left; refuses any other contents."""
    if store.get(ROOT) is not None:
        raise RunExists(f"{store.location}: a run is already here; resume it, or choose another directory")
    names = store.children("")
    if not names:
        return
    if store.get(CREATING) is None and names != [CREATING.split("/")[0]]:
        raise RunExists(f"{store.location}: the directory is not empty and holds no run; choose a new or empty one")
    _remove(store)


def _remove(store: Store) -> None:
    """Removes a run that does not exist yet, the mark of its creation last."""
    own = CREATING.split("/")[0]
    for name in sorted(store.children(""), key=lambda name: (name == own, name != ZARR)):
        store.delete_tree(name, first=DOCUMENT if name == ZARR else "")


def _being_created(store: Store) -> StorageError:
    return RunExists(f"{store.location}: another process is creating a run here; choose another directory")


def read_root(store: Store) -> dict[str, Any]:
    """The attributes of a run, the format checked.

    Raises:
        NotARun: when there is none.
        NewerFormat: when it was written by a later version.
        DamagedRun: when the root's document is not as it was written.
    """
    where = f"{store.location}/{ROOT}"
    with one_line(store.location, "read"):
        document = store.get(ROOT)
        if document is None and store.get(CREATING) is not None:
            raise NotARun(f"{store.location}: the creation of this run was interrupted; start it again")
    if document is None:
        raise NotARun(f"{store.location}: no run is here ({ROOT} is missing); check the path")
    attributes = open_group(document, where)
    if attributes.get("format") != FORMAT:
        if COMMITTED in attributes:
            raise DamagedRun(f"{where}: the format is not named as it was written; restore this file from a copy")
        raise NotARun(f"{where}: zarr data of another program, not a rallax run; check the path")
    version = attributes.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise NewerFormat(
            f"{where}: run format {version} is newer than {FORMAT_VERSION}, which this rallax reads; upgrade rallax"
        )
    own, _ = open_seal(attributes, where)
    if version != FORMAT_VERSION:
        raise DamagedRun(f"{where}: format_version {version!r} is unknown; restore this file from a copy")
    return own
