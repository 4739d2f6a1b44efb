"""One array <-> the keys of one zarr v3 array, bit for bit.

Owns chunk shapes, compression and the check of array metadata that is read. zarr itself does the encoding, into and
out of memory; where the bytes lie is the business of `store`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import numpy as np
import zarr
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer, cpu
from zarr.storage import MemoryStore

from .documents import load
from .errors import DamagedRun
from .layout import DOCUMENT
from .variable import DTYPES, Variable

CHUNK_BYTES: Final = 8 * 2**20
"""What a chunk of an array that is cut aims at."""

_COMPRESSION_LEVEL = 1  # traces and moments hardly shrink further at higher ones
_LARGEST_CHUNK = 16 * 10**6


def chunk_shape(shape: tuple[int, ...], item_bytes: int) -> tuple[int, ...]:
    """The whole array if it has at most 16 MB; else leading axes are cut so that a chunk has 4 to 16 MB.

    >>> chunk_shape((1000, 1000), 8), chunk_shape((64, 1, 2_000_000), 4)
    ((1000, 1000), (1, 1, 2000000))
    """
    chunks = [max(1, size) for size in shape]
    for axis in range(len(chunks)):
        rest = math.prod(chunks[axis + 1 :]) * item_bytes
        if chunks[axis] * rest <= _LARGEST_CHUNK:
            break
        chunks[axis] = max(1, CHUNK_BYTES // rest)
    return tuple(chunks)


def encode_array(variable: Variable) -> dict[str, bytes]:
    """The keys (relative to the array) and bytes of a variable; its metadata document comes first.

    Arrays are stored in C order, little-endian; every chunk is stored, also one that holds only zeros.
    """
    data = variable.data.astype(variable.data.dtype.newbyteorder("="), copy=False)
    keys: dict[str, Buffer] = {}
    array = zarr.create_array(
        MemoryStore(keys),
        shape=data.shape,
        dtype=data.dtype,
        chunks=chunk_shape(data.shape, data.dtype.itemsize),
        dimension_names=list(variable.dims),
        attributes={**variable.attrs, "units": variable.units},
        compressors=[ZstdCodec(level=_COMPRESSION_LEVEL)],
        fill_value=0,
        zarr_format=3,
        # zarr would leave out chunks equal to the fill value, and -0.0 equals 0.0
        config={"write_empty_chunks": True},
    )
    array[...] = data
    document = keys.pop(DOCUMENT).to_bytes()
    return {DOCUMENT: document, **{key: keys[key].to_bytes() for key in sorted(keys)}}


def decode_array(keys: Mapping[str, bytes], where: str) -> Variable:
    """The variable in the keys of one array; the inverse of `encode_array`.

    Args:
        keys: relative key -> bytes, the document among them.
        where: the array's place, for messages.

    Raises:
        DamagedRun: when metadata and chunks are not such as `encode_array` writes.
    """
    document = load(keys[DOCUMENT], f"{where}/{DOCUMENT}")
    if not _as_written(document, set(keys) - {DOCUMENT}):
        raise DamagedRun(f"{where}: not an array that rallax wrote; restore it from a copy")
    buffers: dict[str, Buffer] = {key: cpu.Buffer.from_bytes(data) for key, data in keys.items()}
    try:
        stored = zarr.open_array(MemoryStore(buffers), mode="r")[...]
    except (ValueError, RuntimeError, TypeError, KeyError) as error:
        raise DamagedRun(f"{where}: cannot be decoded; restore it from a copy") from error
    attributes = dict(document["attributes"])
    units = attributes.pop("units", "")
    return Variable(np.asarray(stored), tuple(_names(document)), units, attributes)


def _as_written(document: dict[str, Any], chunk_keys: set[str]) -> bool:
    """Whether the metadata are of the one form we write, with exactly the chunks they ask for."""
    try:
        shape, chunks = document["shape"], document["chunk_grid"]["configuration"]["chunk_shape"]
        codecs = [codec["name"] for codec in document["codecs"]]
        names = _names(document)
        numbers = all(type(n) is int and n >= 0 for n in shape) and all(type(n) is int and n >= 1 for n in chunks)
        plain = (
            document["zarr_format"] == 3
            and document["node_type"] == "array"
            and document["data_type"] in DTYPES
            and codecs == ["bytes", "zstd"]
            and document["chunk_grid"]["name"] == "regular"
            and document["chunk_key_encoding"] == {"name": "default", "configuration": {"separator": "/"}}
            and len(names) == len(shape) == len(chunks)
            and all(isinstance(name, str) for name in names)
            and isinstance(document["attributes"], dict)
        )
        if not (numbers and plain) or math.prod(chunks) * np.dtype(document["data_type"]).itemsize > _LARGEST_CHUNK:
            return False
        counts = [-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True)]
        if math.prod(counts) != len(chunk_keys):
            return False
        return chunk_keys == {"/".join(["c", *map(str, index)]) for index in product(*map(range, counts))}
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def _names(document: dict[str, Any]) -> list[Any]:
    return document.get("dimension_names") or []  # zarr leaves the entry out where there are none


def compact(document: bytes) -> str:
    """The same JSON without blanks."""
    return json.dumps(json.loads(document), separators=(",", ":"))
