"""One array <-> the keys of one zarr v3 array, bit for bit.

Owns chunk shapes, compression and the check of array metadata that is read. zarr writes the metadata, once for each
kind of array; chunks go through its zstd codec directly, since a checkpoint has many small arrays and zarr's event loop
would cost more than all else. Where the bytes lie is the business of `store`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any, Final

import numpy as np
import zarr
from numcodecs.zstd import Zstd  # type: ignore[import-untyped]  # the codec behind zarr.codecs.ZstdCodec
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer
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


def encode_array(variable: Variable, chunks: tuple[int, ...] | None = None) -> dict[str, bytes]:
    """The keys (relative to the array) and bytes of a variable; its metadata document comes first.

    Chunks (None: those of `chunk_shape`) are stored in C order, little-endian; every one is, also one of zeros only.
    """
    data = variable.data.astype(variable.data.dtype.newbyteorder("<"), copy=False)
    chunks = chunks or chunk_shape(data.shape, data.dtype.itemsize)
    keys = {DOCUMENT: array_document(variable, chunks)}
    codec = Zstd(level=_COMPRESSION_LEVEL)
    for key, place in _grid(data.shape, chunks):
        part = data[place]
        if part.shape != chunks:  # chunks at the far edges are stored whole too
            part, whole = np.zeros(chunks, data.dtype), part
            part[tuple(slice(size) for size in whole.shape)] = whole
        keys[key] = bytes(codec.encode(np.ascontiguousarray(part)))
    return keys


def array_document(variable: Variable, chunks: tuple[int, ...]) -> bytes:
    """The metadata document of a variable in such chunks."""
    attributes = json.dumps({**variable.attrs, "units": variable.units})
    return _document(variable.data.shape, variable.data.dtype.name, chunks, variable.dims, attributes)


@lru_cache(maxsize=1024)
def _document(
    shape: tuple[int, ...], dtype: str, chunks: tuple[int, ...], dims: tuple[str, ...], attributes: str
) -> bytes:
    """What zarr writes as the metadata of an array."""
    keys: dict[str, Buffer] = {}
    zarr.create_array(
        MemoryStore(keys),
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        dimension_names=list(dims),
        attributes=json.loads(attributes),
        compressors=[ZstdCodec(level=_COMPRESSION_LEVEL)],
        fill_value=0,
        zarr_format=3,
    )
    return keys[DOCUMENT].to_bytes()


def _grid(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Iterator[tuple[str, tuple[slice, ...]]]:
    """The key of every chunk and the part of the array that it holds."""
    counts = [-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True)]
    for index in product(*map(range, counts)):
        place = tuple(slice(i * chunk, (i + 1) * chunk) for i, chunk in zip(index, chunks, strict=True))
        yield "/".join(["c", *map(str, index)]), place


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
    shape, chunks = tuple(document["shape"]), tuple(document["chunk_grid"]["configuration"]["chunk_shape"])
    dtype = np.dtype(document["data_type"]).newbyteorder("<")
    codec = Zstd()
    try:
        data = np.empty(shape, dtype)
        for key, place in _grid(shape, chunks):
            part = np.empty(chunks, dtype)
            if _content_bytes(keys[key]) != part.nbytes:
                raise ValueError("a chunk of another size")
            codec.decode(keys[key], out=part)  # into a buffer of the right size: a bomb finds no room
            data[place] = part[tuple(slice(size) for size in data[place].shape)]
    except (ValueError, RuntimeError, MemoryError, OverflowError) as error:
        raise DamagedRun(f"{where}: cannot be decoded; restore it from a copy") from error
    attributes = dict(document["attributes"])
    units = attributes.pop("units", "")
    native = data.astype(dtype.newbyteorder("="), copy=False)
    return Variable(native, tuple(_names(document)), units, attributes)


def decoded_bytes(keys: Mapping[str, bytes], where: str) -> int:
    """How many bytes an array has when decoded, by its metadata; 0 where these are damaged, which decoding tells."""
    document = load(keys[DOCUMENT], f"{where}/{DOCUMENT}")
    if not _as_written(document, set(keys) - {DOCUMENT}):
        return 0
    return math.prod(document["shape"]) * np.dtype(document["data_type"]).itemsize


def _content_bytes(frame: bytes) -> int:
    """The size of what a zstd frame holds, from its header (RFC 8878, section 3.1.1.1); -1 when it does not say."""
    if len(frame) < 6 or frame[:4] != b"\x28\xb5\x2f\xfd":
        return -1
    descriptor = frame[4]
    single = descriptor >> 5 & 1
    size = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    begin = 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3]
    value = int.from_bytes(frame[begin : begin + size], "little")
    return -1 if size == 0 else value + (256 if size == 2 else 0)


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
