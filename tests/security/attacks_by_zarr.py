"""Attacks by recordings in Zarr arrays: shapes, chunks, codecs."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from attack import DEEP, Case, Make, job, link, pipe_for, sparse, write


def _zarr(change: dict[str, object], chunk: bytes | None = None, then: Make = lambda folder: None) -> Make:
    """A Zarr recording with changed metadata, its chunk replaced."""

    def make(folder: Path) -> None:
        import zarr

        array = zarr.create_array(folder / "v.zarr", data=np.linspace(-70, -60, 400), dimension_names=["time"])
        array.attrs.update({"units": "mV", "sampling_interval_ms": 0.01})
        file = folder / "v.zarr" / "zarr.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}), encoding="utf-8")
        if chunk is not None:
            write(folder / "v.zarr" / "c" / "0", chunk)
        job(('voltage = "v_1.csv"', 'voltage = "v.zarr"'))(folder)
        then(folder)

    return make


def _zstd_bomb(size: int) -> bytes:
    """A frame of blocks that each repeat one byte 128 KiB often, with its true size in the header."""
    blocks = size // 131072
    head = b"\x28\xb5\x2f\xfd" + bytes([0xC0, 0x58]) + struct.pack("<Q", blocks * 131072)
    return head + b"".join(
        (131072 << 3 | 1 << 1 | (i == blocks - 1)).to_bytes(3, "little") + b"\0" for i in range(blocks)
    )


def _gzip_bomb(size: int) -> bytes:
    import zlib

    pack = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    return b"".join(pack.compress(zeros) for _ in range(size // 2**20)) + pack.flush()


def _blosc_bomb() -> bytes:
    from numcodecs.blosc import Blosc

    data = bytearray(Blosc().encode(np.zeros(100)))
    data[4:8] = struct.pack("<I", 2**31 - 1)
    return bytes(data)


def _codec(name: str, **configuration: object) -> dict[str, object]:
    return {
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": name, "configuration": configuration},
        ]
    }


CASES = [
    # -- Zarr recordings
    Case("a Zarr array of 1e12 samples", _zarr({"shape": [10**12]}), "at most"),
    Case("a Zarr array of 2^70 samples", _zarr({"shape": [2**70]}), "shape"),
    Case(
        "a chunk of 1e12 samples",
        _zarr({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**12]}}}),
        "chunks",
    ),
    Case(
        "100,000,000 chunks",
        _zarr({"shape": [10**8], "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}}}),
        "chunks",
    ),
    Case("a zstd chunk of 300 kB that holds 10 GB", _zarr({}, _zstd_bomb(10 * 2**30)), "damaged Zarr"),
    Case("a gzip chunk of 1 MB that holds 1 GB", _zarr(_codec("gzip", level=5), _gzip_bomb(2**30)), "damaged Zarr"),
    Case(
        "a blosc chunk that says it holds 2 GB",
        _zarr(_codec("blosc", typesize=8, cname="zstd", clevel=5, shuffle="noshuffle", blocksize=0), _blosc_bomb()),
        "damaged Zarr",
    ),
    Case(
        "a chunk compressed twice",
        _zarr(
            {
                "codecs": [
                    {"name": "bytes", "configuration": {"endian": "little"}},
                    *[{"name": "zstd", "configuration": {"level": 1, "checksum": False}}] * 2,
                ]
            }
        ),
        "twice",
    ),
    Case(
        "a codec that unpickles",
        _zarr({"codecs": [{"name": "numcodecs.pickle", "configuration": {}}]}),
        "uses the codec",
    ),
    Case("a codec that makes objects of JSON", _zarr({"codecs": [{"name": "numcodecs.json2"}]}), "uses the codec"),
    Case(
        "a pickling codec inside a shard",
        _zarr(
            {
                "codecs": [
                    {
                        "name": "sharding_indexed",
                        "configuration": {"chunk_shape": [10], "codecs": ["pickle"], "index_codecs": []},
                    }
                ]
            }
        ),
        "uses the codec",
    ),
    Case("samples that are Python objects", _zarr({"data_type": "object"}), "numbers are needed"),
    Case(
        "metadata nested 100,000 deep",
        _zarr({}, None, lambda f: write(f / "v.zarr" / "zarr.json", "[" * DEEP)),
        "damaged zarr.json",
    ),
    Case(
        "times that lead out of the array's folder",
        _zarr({"attributes": {"units": "mV"}, "dimension_names": [".."]}),
        "neither times",
    ),
    Case("a chunk that is a pipe", _zarr({}, None, lambda f: pipe_for(f / "v.zarr" / "c" / "0")), "no plain file"),
    Case(
        "a chunk that leads to a device",
        _zarr({}, None, lambda f: link("c/0", "/dev/zero")(f / "v.zarr")),
        "no plain file",
    ),
    Case("a chunk file of 100 GB (a hole)", _zarr({}, None, sparse("v.zarr/c/0", 100 * 2**30)), "more than a chunk"),
]
