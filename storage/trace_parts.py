"""Fitted traces that several processes write, each a block of starts, and one seals.

A part is whole chunks of the array ``voltage`` of `write_traces`, so that nothing is written twice; the group does not
count until it is sealed with the hashes that the writers tell. Owns the cutting into parts and their order of writing:
`begin` (the run's writer) takes the old traces away, `PartWriter.write` (anyone who sees the place) puts chunks,
`seal` puts coordinates, metadata and, last, the document. The bytes do not depend on who wrote what.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .create import as_store
from .documents import PLACEHOLDER, digest, group_document, seal
from .encode import CHUNK_BYTES, array_document, chunk_shape, encode_array
from .epoch import check
from .errors import StorageError, one_line
from .groups import encode_group
from .layout import DOCUMENT, TRACES, check_name, in_zarr
from .store import Store
from .variable import Group, Variable

PROBE = ".rallax/probe"
"""Holds a word by which a process sees that it looks at the same place as the run's writer."""

_VOLTAGE = "voltage"
_DIMS = ("start", "site", "time")

Receipt = Mapping[str, Any]
"""Of a part: "rows", "shape" of a row, "dtype", and "hashes" by key."""


def put_probe(store: Store) -> str:
    """Make the place recognisable, and return the word."""
    word = uuid.uuid4().hex
    store.put(PROBE, word.encode("ascii"))
    return word


def begin(store: Store, sweeps: Iterable[str]) -> None:
    """Takes the traces of these sweeps away: readers ignore them until they are sealed."""
    for sweep in sweeps:
        place = in_zarr(_path(sweep))
        if store.children(place):
            store.delete_tree(place, first=DOCUMENT)
        store.put(f"{place}/{DOCUMENT}", PLACEHOLDER)


class PartWriter:
    """Writes parts of traces.

    Args:
        location: of the run, as this process names it.
        epoch: of the run's writer; once another has taken the run over nothing is written.
        word: that of `put_probe`.
        block: starts of a whole part.
    """

    def __init__(self, location: str | Path | Store, epoch: int, word: str, block: int) -> None:
        self._location = location
        self._epoch, self._word, self._block = epoch, word, block

    @cached_property
    def _store(self) -> Store:
        return as_store(self._location)

    def visible(self) -> bool:
        """Whether this process sees the place where the run is; not where it lacks what speaks to an object store."""
        try:
            return self._store.get(PROBE) == self._word.encode("ascii")
        except (OSError, StorageError):
            return False

    def write(self, sweep: str, part: int, voltage: np.ndarray) -> Receipt:
        """Writes the part of number `part`, voltage [rows, site, time], durably; twice the same leaves the same.

        Raises:
            Fenced: when another process has taken the run over.
            StorageError: the place refuses.
        """
        chunks = _chunks(voltage.shape, self._block if part else min(self._block, len(voltage)), voltage.itemsize)
        first = part * self._block // chunks[0]
        encoded = encode_array(Variable(voltage, _DIMS, "mV"), chunks)
        hashes = {}
        with one_line(self._store.location, "write"):
            check(self._store, self._epoch)
            for key, data in encoded.items():
                if key == DOCUMENT:
                    continue
                _, row, rest = key.split("/", 2)
                name = f"{_VOLTAGE}/c/{first + int(row)}/{rest}"
                self._store.put(f"{in_zarr(_path(sweep))}/{name}", data)
                hashes[name] = digest(data)
            self._store.sync()
        return {"rows": len(voltage), "shape": voltage.shape[1:], "dtype": voltage.dtype.name, "hashes": hashes}


def sealed(
    store: Store, sweep: str, parts: Iterable[Receipt], block: int, coordinates: Mapping[str, Variable]
) -> tuple[str, bytes, dict[str, bytes]]:
    """Seals what the parts, in their order, have written; the path, the document and the metadata of the group.

    Args:
        block: starts of a whole part.
        coordinates: "start" and "time".
    """
    parts = list(parts)
    shape = (sum(p["rows"] for p in parts), *parts[0]["shape"])
    dtype = np.dtype(parts[0]["dtype"])
    # The array itself is never here: of it only the shape is needed, for the coordinates that are counted.
    like = Variable(np.broadcast_to(np.zeros((), dtype), shape), _DIMS, "mV")
    chunks = _chunks(shape, min(block, shape[0]), dtype.itemsize)
    index = {"site": Variable(np.arange(shape[1], dtype=np.int64), ("site",))}
    keys = encode_group(Group({**index, **coordinates})).keys
    keys[f"{_VOLTAGE}/{DOCUMENT}"] = array_document(like, chunks)
    path = _path(sweep)
    for key, data in keys.items():
        store.put(f"{in_zarr(path)}/{key}", data)
    hashes = {key: digest(data) for key, data in keys.items()}
    for part in parts:
        hashes.update(part["hashes"])
    store.sync()
    document = group_document(seal({}, hashes, {}))
    store.put(f"{in_zarr(path)}/{DOCUMENT}", document)
    store.sync()
    return path, document, keys


def _path(sweep: str) -> str:
    return f"{TRACES}/{check_name(sweep, 'sweep')}"


def _chunks(shape: tuple[int, ...], rows: int, item_bytes: int) -> tuple[int, ...]:
    """As many whole rows as make a chunk of at most `CHUNK_BYTES` and divide a part; a longer row is cut as others."""
    row = int(np.prod(shape[1:])) * item_bytes
    fit = [n for n in range(1, rows + 1) if rows % n == 0 and n * row <= CHUNK_BYTES]
    return (fit[-1], *map(max, shape[1:], (1,) * len(shape[1:]))) if fit else chunk_shape((1, *shape[1:]), item_bytes)
