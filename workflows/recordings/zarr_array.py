"""Zarr v3 arrays: one dimension, the attribute `units`, and times from a coordinate array or a sampling interval.

Owns this convention: the path names an array, or a group that holds one named "voltage" or "current". Its times are
the array beside it that its dimension is named for ("time" where it has no name), with its own `units`; or its
attribute `sampling_interval_ms`. What a run stores under data/SWEEP reads back so. What the metadata declare is held
against the limits before zarr is asked; which codecs are let in, and how far they decode, is `zarr_codecs`.
"""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import one_line
from ..files import Unreadable, read_plain
from ..job.faults import given
from ..limits import CHUNKS, SAMPLES, ZARR_FILES, ZARR_JSON_BYTES
from .samples import RecordingError, Samples
from .zarr_codecs import check_names, sized

_NUMBERS = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)} | {"float16", "float32", "float64"}
_KEYS = (
    "zarr_format",
    "node_type",
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "dimension_names",
    "storage_transformers",
)
_MOST_DIMENSIONS = 8
_SMALL_CHUNK = 2**20


def read(path: Path, kind: Literal["voltage", "current"]) -> Samples:
    """The samples of the array at `path`; RecordingError says what it lacks."""
    array_path = path
    metadata = _metadata(path)
    if metadata.get("node_type") == "group":
        array_path = path / kind
        if not (array_path / "zarr.json").is_file():
            raise RecordingError(f"is a Zarr group without an array named {kind!r}; name the array itself")
        metadata = _metadata(array_path)
    values = _numbers(array_path, metadata)
    attributes = metadata.get("attributes") or {}
    unit = attributes.get("units")
    if not isinstance(unit, str):
        raise RecordingError('has no attribute units; give it one, such as "mV" or "nA"')
    interval = attributes.get("sampling_interval_ms")
    if interval is not None:
        if isinstance(interval, bool) or not isinstance(interval, int | float):
            raise RecordingError(f"has the attribute sampling_interval_ms = {given(interval)}; a number is needed")
        # A whole number in JSON may be larger than any float.
        if not 0 < interval < 1e300:
            raise RecordingError(f"has the sampling interval {given(interval)}; it must be above 0")
        return Samples(values=values, unit=unit, time_unit="ms", interval=float(interval))
    names = metadata.get("dimension_names")
    name = names[-1] if isinstance(names, list) and names and isinstance(names[-1], str) else "time"
    time_path = array_path.parent / name
    # A name with a separator in it would lead out of the group.
    if time_path.parent != array_path.parent or name in ("", "..") or not (time_path / "zarr.json").is_file():
        raise RecordingError(f"has neither times ({name!r} beside it) nor the attribute sampling_interval_ms; add one")
    time_metadata = _metadata(time_path)
    time_unit = (time_metadata.get("attributes") or {}).get("units")
    if not isinstance(time_unit, str):
        raise RecordingError(f'its times {time_path.name!r} have no attribute units; give them one, such as "ms"')
    time = _numbers(time_path, time_metadata)
    if time.shape != values.shape:
        raise RecordingError(f"has {values.size} samples and {time.size} times; one time for each is needed")
    return Samples(values=values, unit=unit, time_unit=time_unit, time=time)


def _metadata(path: Path) -> dict[str, Any]:
    """The node's zarr.json, of which only plain data are used."""
    file = path / "zarr.json"
    if not file.is_file():
        found = "Zarr of version 2, which is not read; rewrite it as version 3" if (path / ".zarray").exists() else None
        raise RecordingError(f"is {found}" if found else "is a directory and no Zarr array; name a recording")
    try:
        metadata = json.loads(read_plain(file, ZARR_JSON_BYTES).decode("utf-8"))
    except Unreadable as error:
        raise RecordingError(f"has a zarr.json that {error}") from None
    except (ValueError, RecursionError):
        raise RecordingError("has a damaged zarr.json; write the array again") from None
    if not isinstance(metadata, dict) or metadata.get("zarr_format") != 3:
        raise RecordingError("is no Zarr array of version 3; rewrite it as one")
    if not isinstance(metadata.get("attributes", {}), dict):
        raise RecordingError("has a damaged zarr.json; write the array again")
    return metadata


def _numbers(path: Path, metadata: dict[str, Any]) -> np.ndarray:
    """The array's numbers along its one dimension (or along the last, where the others have length 1)."""
    check_names(metadata.get("codecs"))
    size, chunk_bytes = _check_extent(metadata)
    _check_files(path, chunk_bytes)
    from zarr.core.array import Array, AsyncArray
    from zarr.core.metadata.v3 import ArrayV3Metadata
    from zarr.storage import LocalStore, StorePath

    try:
        # Consolidated metadata and the like are left out: only what an array is made of.
        found = ArrayV3Metadata.from_dict({key: metadata[key] for key in _KEYS if key in metadata})
        store = StorePath(LocalStore(path, read_only=True))
        array = Array(AsyncArray(replace(found, codecs=sized(found.codecs)), store))
        values = np.asarray(array[...], np.float64).reshape(-1)
    except RecordingError:
        raise
    except Exception as error:
        # zarr and its codecs raise whatever a damaged array makes them stumble over.
        raise RecordingError(f"is a damaged Zarr array ({one_line(f'{type(error).__name__}: {error}', 100)})") from None
    if values.size != size:
        raise RecordingError("is a damaged Zarr array (it holds another number of samples than its shape says)")
    return values


def _check_extent(metadata: dict[str, Any]) -> tuple[int, int]:
    """Number of samples, and bytes of a chunk; RecordingError for shapes that no recording has."""
    shape: Any = metadata.get("shape")
    kind, chunks = metadata.get("data_type"), _chunk_shape(metadata.get("chunk_grid"))
    if not isinstance(kind, str) or kind not in _NUMBERS:
        raise RecordingError(f"has samples of type {str(kind)[:40]}; numbers are needed")
    if not _whole(shape, 0) or not _whole(chunks, 1) or len(shape) != len(chunks) or len(shape) > _MOST_DIMENSIONS:
        raise RecordingError("has a shape or chunks that are not read; one dimension and regular chunks are needed")
    size = math.prod(shape)
    if size > SAMPLES:
        raise RecordingError(f"has {size:.3g} samples; at most {SAMPLES} are read, cut it to the sweep")
    if size != max(shape[-1:], default=0):
        raise RecordingError(f"has the shape {tuple(shape)}; one dimension is needed")
    inner = _inner_chunk_shape(metadata.get("codecs"), chunks)
    if not _whole(inner, 1) or len(inner) != len(chunks) or any(a % b for a, b in zip(chunks, inner, strict=True)):
        raise RecordingError("has shards that its chunks do not divide; write the array again")
    # A chunk may be larger than a short array, but not by orders of magnitude.
    if math.prod(chunks) > max(size, _SMALL_CHUNK):
        raise RecordingError(
            f"has chunks of {math.prod(chunks):.3g} samples for {size}; make them as long as it or shorter"
        )
    pieces = math.prod(-(-n // c) for n, c in zip(shape, chunks, strict=True)) * (math.prod(chunks) // math.prod(inner))
    if pieces > CHUNKS:
        raise RecordingError(f"has {pieces:.3g} chunks; at most {CHUNKS} are read, make them longer")
    return size, math.prod(chunks) * np.dtype(kind).itemsize


def _chunk_shape(grid: Any) -> Any:
    configuration = grid.get("configuration") if isinstance(grid, dict) and grid.get("name") == "regular" else None
    return configuration.get("chunk_shape") if isinstance(configuration, dict) else None


def _inner_chunk_shape(codecs: Any, chunks: list[int]) -> Any:
    """The shape of the chunks inside a shard; that of the chunks themselves without shards."""
    for codec in codecs if isinstance(codecs, list) else ():
        if isinstance(codec, dict) and codec.get("name") == "sharding_indexed":
            configuration = codec.get("configuration")
            return configuration.get("chunk_shape") if isinstance(configuration, dict) else None
    return chunks


def _whole(numbers: Any, least: int) -> bool:
    return isinstance(numbers, list) and all(type(n) is int and least <= n < 2**62 for n in numbers)


def _check_files(folder: Path, chunk_bytes: int) -> None:
    """Every file below the array is a plain one and no larger than a chunk of random numbers would be."""
    # Compression makes random numbers a little larger, a shard has an index.
    most = 2 * chunk_bytes + 64 * 1024 + 16 * CHUNKS
    count = 0
    for top, _, names in os.walk(folder):
        for name in names:
            count += 1
            found = (Path(top) / name).stat()
            if count > ZARR_FILES:
                raise RecordingError(f"holds more than {ZARR_FILES} files; make its chunks longer")
            if not stat.S_ISREG(found.st_mode):
                raise RecordingError(f"holds {name[:40]!r}, which is no plain file; remove it")
            if found.st_size > most and name != "zarr.json":
                raise RecordingError(
                    f"holds {name[:40]!r} of {found.st_size} bytes, more than a chunk has; write it again"
                )
