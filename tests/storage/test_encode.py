"""Arrays as zarr arrays: chunks, metadata, what zarr itself reads."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs.zstd import Zstd
from zarr.core.buffer import cpu
from zarr.storage import MemoryStore

from rallax.storage import DamagedRun, NotStorable, Variable
from rallax.storage.encode import chunk_shape, decode_array, encode_array


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.integers(0, 8), st.integers(1, 10**7)), max_size=4), st.sampled_from([1, 2, 4, 8, 16]))
def test_chunks_hold_1_to_16_megabytes_or_the_whole_array(shape, item):
    chunks = chunk_shape(tuple(shape), item)
    size = math.prod(chunks) * item
    assert size <= 16e6
    assert size >= 1e6 or chunks == tuple(max(1, n) for n in shape)
    assert all(c <= max(1, n) for c, n in zip(chunks, shape, strict=True))


def test_large_arrays_are_cut_along_leading_axes_and_come_back():
    data = np.random.default_rng(0).normal(size=(5, 3, 400_000)).astype(np.float32)
    keys = encode_array(Variable(data, ("start", "site", "time"), "mV"))
    assert len(keys) == 1 + 5  # one chunk of 4.8 MB a start
    assert np.array_equal(decode_array(keys, "here").data, data)


def test_zarr_reads_names_units_and_compression():
    keys = encode_array(Variable(np.zeros((2, 3)), ("start", "parameter"), "mV", {"note": "x"}))
    array = zarr.open_array(MemoryStore({k: cpu.Buffer.from_bytes(v) for k, v in keys.items()}), mode="r")
    assert array.metadata.dimension_names == ("start", "parameter")
    assert dict(array.attrs) == {"note": "x", "units": "mV"}
    assert [codec["name"] for codec in json.loads(keys["zarr.json"])["codecs"]] == ["bytes", "zstd"]
    assert "c/0/0" in keys  # stored although all zeros: a missing chunk must never read as zeros


@pytest.mark.parametrize("shape", [(), (5,), (0, 3), (3, 1_500_000), (2_345_678,), (7, 900_001)])
@pytest.mark.parametrize("dtype", ["float64", "bool", "uint32"])
def test_what_is_stored_is_what_zarr_would_store(shape, dtype):
    data = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    dims = tuple(f"d{axis}" for axis in range(data.ndim))
    keys = encode_array(Variable(data, dims, "mV", {"note": [1]}))
    theirs: dict = {}
    array = zarr.create_array(
        MemoryStore(theirs),
        shape=data.shape,
        dtype=data.dtype,
        chunks=chunk_shape(data.shape, data.dtype.itemsize),
        dimension_names=dims,
        attributes={"note": [1], "units": "mV"},
        compressors=[zarr.codecs.ZstdCodec(level=1)],
        fill_value=0,
        config={"write_empty_chunks": True},
    )
    array[...] = data
    assert keys == {key: value.to_bytes() for key, value in theirs.items()}
    ours = zarr.open_array(MemoryStore({k: cpu.Buffer.from_bytes(v) for k, v in keys.items()}), mode="r")[...]
    assert np.asarray(ours).tobytes() == data.tobytes() == decode_array(keys, "here").data.tobytes()


@pytest.mark.parametrize("size", [0, 1, 200, 300, 70_000, 2**20])
def test_a_chunk_of_another_size_is_refused(size):
    keys = encode_array(Variable(np.zeros(100), ("time",)))
    with pytest.raises(DamagedRun, match="cannot be decoded"):
        decode_array(keys | {"c/0": bytes(Zstd(level=1).encode(bytes(size)))}, "here")


def test_views_in_any_order_are_stored_as_they_look():
    data = np.arange(24.0).reshape(4, 6)
    back = decode_array(encode_array(Variable(data.T[::-2], ("a", "b"))), "here").data
    assert np.array_equal(back, data.T[::-2])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Variable(np.ones((2, 2)), ("a",)), "one name for each axis"),
        (lambda: Variable(np.ones((2, 2)), ("a", "a")), "all different"),
        (lambda: Variable(np.ones(2), ("a/b",)), "a/b"),
        (lambda: Variable(np.ones(2), ("time",), "milliseconds"), "write ms"),
        (lambda: Variable(np.ones(2), ("time",), "s since 1970-01-01"), "decoded as a date"),
        (lambda: Variable(np.ones(2), ("time",), "mV", {"scale_factor": 2.0}), "scale_factor"),
        (lambda: Variable(np.ones(2), ("time",), "mV", {"x": float("nan")}), "nan"),
        (lambda: Variable(np.array([None]), ("time",)), "object"),
        (lambda: Variable([1.0], ("time",)), "numpy.asarray"),
    ],
)
def test_variables_that_would_not_open_cleanly_are_refused(make, says):
    with pytest.raises(NotStorable, match=r"^[^\n]+$") as error:
        make()
    assert says in str(error.value)
