"""Zarr codecs that decode a chunk to the size its array gives it, or refuse it.

A chunk of a kilobyte may say that it holds gigabytes, and zarr's own codecs believe it. Owns the list of codecs that
are let in (only such as turn bytes into numbers: none that makes objects) and the check of each decoded size.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numcodecs.blosc import Blosc  # type: ignore[import-untyped]
from numcodecs.zstd import Zstd  # type: ignore[import-untyped]
from zarr.abc.codec import BytesBytesCodec, Codec
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer

from .samples import RecordingError

ALLOWED = {"bytes", "transpose", "zstd", "gzip", "blosc", "crc32c", "sharding_indexed"}
_CHECKSUM_BYTES = 4
_MOST_CODECS = 8


def _zstd(data: bytes, out: np.ndarray) -> None:
    Zstd().decode(data, out=out)


def _gzip(data: bytes, out: np.ndarray) -> None:
    # 31: with a gzip header. One byte more than fits, to see whether there is one.
    found = zlib.decompressobj(31).decompress(data, out.size + 1)
    if len(found) != out.size:
        raise ValueError(f"a chunk of {'more' if len(found) > out.size else 'fewer'} bytes than its shape gives")
    out[:] = np.frombuffer(found, np.uint8)


def _blosc(data: bytes, out: np.ndarray) -> None:
    # The header has the size decoded in its second four bytes, and the size encoded in its fourth.
    if (
        len(data) < 16
        or int.from_bytes(data[4:8], "little") != out.size
        or int.from_bytes(data[12:16], "little") > len(data)
    ):
        raise ValueError("a chunk of other bytes than its shape gives")
    Blosc().decode(data, out=out)


_DECODERS: dict[type[Codec], Callable[[bytes, np.ndarray], None]] = {
    ZstdCodec: _zstd,
    GzipCodec: _gzip,
    BloscCodec: _blosc,
}


class _Sized(BytesBytesCodec):
    """A compressor that decodes into as many bytes as the chunk has, and a checksum of `extra` bytes behind them."""

    is_fixed_size = False

    def __init__(self, decoder: Callable[[bytes, np.ndarray], None], extra: int) -> None:
        self._decoder, self._extra = decoder, extra

    def to_dict(self) -> dict[str, Any]:
        raise NotImplementedError("reads only")

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError("reads only")

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        items = int(np.prod(chunk_spec.shape, dtype=np.int64))
        out = np.empty(items * chunk_spec.dtype.to_native_dtype().itemsize + self._extra, np.uint8)
        self._decoder(chunk_bytes.to_bytes(), out)
        return chunk_spec.prototype.buffer.from_bytes(out.tobytes())

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)


def sized(codecs: Iterable[Codec]) -> tuple[Codec, ...]:
    """The same codecs with every compressor bounded; RecordingError for one that is not let in.

    One compressor at most in a row: of what is compressed twice the size between is not known.
    """
    found: list[Codec] = []
    extra, compressed = 0, False
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            inner = sized(codec.codecs)
            index = sized(codec.index_codecs)
            found.append(
                ShardingCodec(
                    chunk_shape=codec.chunk_shape,
                    codecs=inner,
                    index_codecs=index,
                    index_location=codec.index_location,
                )
            )
        elif type(codec) in _DECODERS:
            if compressed:
                raise RecordingError("is compressed twice; once is read")
            compressed = True
            found.append(_Sized(_DECODERS[type(codec)], extra))
        elif isinstance(codec, Crc32cCodec):
            extra += 0 if compressed else _CHECKSUM_BYTES
            found.append(codec)
        elif isinstance(codec, BytesCodec | TransposeCodec):
            found.append(codec)
        else:
            raise RecordingError(f"uses the codec {type(codec).__name__}; one of {', '.join(sorted(ALLOWED))}")
    return tuple(found)


def check_names(codecs: Any, depth: int = 0) -> None:
    """Refuse codecs by the names in the metadata, before anything is made of them; those inside shards as well."""
    if not isinstance(codecs, list) or not 0 < len(codecs) <= _MOST_CODECS or depth > 1:
        raise RecordingError(f"has no list of codecs that is read; one of {', '.join(sorted(ALLOWED))}")
    for codec in codecs:
        name = codec.get("name") if isinstance(codec, dict) else codec
        if not isinstance(name, str) or name not in ALLOWED:
            raise RecordingError(f"uses the codec {str(name)[:40]!r}; one of {', '.join(sorted(ALLOWED))}")
        inner = codec.get("configuration") if isinstance(codec, dict) else None
        if name == "sharding_indexed" and isinstance(inner, dict):
            check_names(inner.get("codecs"), depth + 1)
            if "index_codecs" in inner:
                check_names(inner["index_codecs"], depth + 1)
