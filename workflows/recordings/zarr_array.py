"""Zarr v3 arrays: one dimension, the attribute `units`, and times from a coordinate array or a sampling interval.

Owns this convention: the path names an array, or a group that holds one named "voltage" or "current". Its times are
the array beside it that its dimension is named for ("time" where it has no name), with its own `units`; or its
attribute `sampling_interval_ms`. What a run stores under data/SWEEP reads back so. Only codecs that turn bytes into
numbers are let in: an array never gets to decode objects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import one_line
from .samples import RecordingError, Samples

MAX_SAMPLES = 10**8
_CODECS = {"bytes", "transpose", "zstd", "gzip", "blosc", "crc32c", "sharding_indexed"}


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
            raise RecordingError(f"has the attribute sampling_interval_ms = {interval!r}; a number is needed")
        return Samples(values=values, unit=unit, time_unit="ms", interval=float(interval))
    names = metadata.get("dimension_names") or ["time"]
    time_path = array_path.parent / str(names[-1] or "time")
    # A name with a separator in it would lead out of the group.
    if time_path.parent != array_path.parent or not (time_path / "zarr.json").is_file():
        name = str(names[-1] or "time")
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
        metadata = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise RecordingError("has a damaged zarr.json; write the array again") from None
    if not isinstance(metadata, dict) or metadata.get("zarr_format") != 3:
        raise RecordingError("is no Zarr array of version 3; rewrite it as one")
    return metadata


def _numbers(path: Path, metadata: dict[str, Any]) -> np.ndarray:
    """The array's numbers along its one dimension (or along the last, where the others have length 1)."""
    for codec in _codec_names(metadata.get("codecs")):
        if codec not in _CODECS:
            raise RecordingError(f"uses the codec {codec!r}; one of {', '.join(sorted(_CODECS))}")
    import zarr

    try:
        array = zarr.open_array(str(path), mode="r")
        if array.dtype.kind not in "fiu":
            raise RecordingError(f"has samples of type {array.dtype}; numbers are needed")
        if array.size > MAX_SAMPLES:
            raise RecordingError(f"has {array.size} samples; at most {MAX_SAMPLES} are read, cut it to the sweep")
        if array.size != max(array.shape[-1:], default=0):
            raise RecordingError(f"has the shape {array.shape}; one dimension is needed")
        return np.asarray(array[...], np.float64).reshape(-1)
    except RecordingError:
        raise
    except Exception as error:
        # zarr and its codecs raise whatever a damaged array makes them stumble over.
        raise RecordingError(f"is a damaged Zarr array ({one_line(f'{type(error).__name__}: {error}', 100)})") from None


def _codec_names(codecs: Any, depth: int = 0) -> list[str]:
    """Names of all codecs, those inside shards as well."""
    if not isinstance(codecs, list) or depth > 5:
        return ["(none)"]
    names: list[str] = []
    for codec in codecs:
        if not isinstance(codec, dict):
            names.append(str(codec))
            continue
        names.append(str(codec.get("name")))
        inner = codec.get("configuration")
        if codec.get("name") == "sharding_indexed" and isinstance(inner, dict):
            names += _codec_names(inner.get("codecs"), depth + 1)
            names += _codec_names(inner.get("index_codecs"), depth + 1)
    return names
