"""Trees come back bit for bit, and what cannot is refused by name."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rallax.storage import DamagedRun, NotStorable, Variable
from rallax.storage.tree import Encoded, decode_tree, encode_tree
from rallax.storage.variable import DTYPES

NAMES = st.text("abzAZ019_.-+", min_size=1, max_size=6).filter(
    lambda n: n[0] not in ".-+" and n[-1] != "." and not n.startswith("__")
)
ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
# any of the 2**64 doubles: NaNs with payloads, both zeros, infinities, subnormal numbers
FLOATS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack(">d", bits.to_bytes(8, "big"))[0])
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | st.text(max_size=5)
TREES = st.recursive(
    st.dictionaries(NAMES, ARRAYS | SCALARS, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner | ARRAYS | SCALARS, max_size=3),
    max_leaves=4,
)


def same(a: object, b: object) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return type(b) is float and struct.pack(">d", a) == struct.pack(">d", b)
    return type(a) is type(b) and a == b


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TREES)
def test_round_trip_is_exact(tree):
    assert same(decode_tree(encode_tree(tree), "here"), tree)


def test_the_hard_values_come_back():
    nan_bits = np.array([0x7FF8_0000_DEAD_BEEF, 0xFFF0_0000_0000_0001], np.uint64)
    tree = {
        "nan": nan_bits.view(np.float64),
        "nan32": np.array([0x7FC0_1234], np.uint32).view(np.float32),
        "zeros": np.full((2, 2), -0.0),
        "empty": {"none": {}, "array": np.zeros((0, 3), np.uint32), "wide": np.zeros((10**9, 0))},
        "key": np.array([0, 42], np.uint32),
        "zero_d": np.array(-0.0),
        "flag": np.array(True),
        "text": "µ\ud800\n",
        "c": {"c": np.array(1.0), "0": {"c": np.arange(3)}},
        "scalar": -0.0,
        "big": 2**200,
    }
    assert same(decode_tree(encode_tree(tree), "here"), tree)


def test_numpy_scalars_become_arrays_without_dimensions():
    back = decode_tree(encode_tree({"x": np.float32(1.5), "y": np.float64(-0.0)}), "here")
    assert back["x"].dtype == np.float32 and back["x"].shape == () and float(back["x"]) == 1.5
    assert back["y"].tobytes() == np.float64(-0.0).tobytes()


def test_byte_order_is_the_only_thing_that_changes():
    back = decode_tree(encode_tree({"x": np.array([1.5, 2.5], ">f8")}), "here")["x"]
    assert back.dtype == np.dtype("<f8") and back.tolist() == [1.5, 2.5]


def test_variables_keep_their_dims_and_get_coordinates_that_are_not_part_of_the_tree():
    tree = {"p": Variable(np.ones((2, 3)), ("start", "parameter"), "mV"), "o": {"m": Variable(np.ones(2), ("start",))}}
    encoded = encode_tree(tree)
    assert {"start/zarr.json", "parameter/zarr.json"} <= encoded.keys.keys()
    assert decode_tree(encoded, "here").keys() == {"p", "o"}


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        ({"a": {"b": np.array([object()])}}, "'a/b'"),
        ({"a": np.array(["text"])}, "'a'"),
        ({"a": np.array(["2020"], "datetime64[Y]")}, "'a'"),
        ({"a": [1, 2]}, "'a'"),
        ({"a": (1,)}, "'a'"),
        ({"a": {1: 2}}, "'a/1'"),
        ({"a/b": 1}, "'a/b'"),
        ({"..": 1}, "'..'"),
        ({"zarr.json": np.ones(2)}, "zarr.json"),
        ({"__x": 1}, "'__x'"),
        ({"a": np.ma.masked_array([1.0], [True])}, "'a'"),
        ({"a": np.str_("x")}, "'a'"),
        ({"a": 1j}, "'a'"),
        ({"start": 1, "x": Variable(np.ones(2), ("start",))}, "'start'"),
        ({"x": Variable(np.ones(2), ("start",)), "y": {"z": Variable(np.ones(3), ("start",))}}, "'y/z'"),
    ],
)
def test_what_cannot_be_stored_is_named(tree, named):
    with pytest.raises(NotStorable, match=r"^[^\n]+$") as error:
        encode_tree(tree)
    assert named in str(error.value)


def test_too_deep_a_tree_is_refused_without_a_recursion_error():
    tree: dict = {}
    for _ in range(2000):
        tree = {"a": tree}
    with pytest.raises(NotStorable, match="deep"):
        encode_tree(tree)


@pytest.mark.parametrize(
    "change",
    [
        lambda keys: keys | {"x/stray": b"1"},
        lambda keys: {k: v for k, v in keys.items() if k != "x/c/0"},
        lambda keys: keys | {"x/c/0": keys["x/c/0"][:-3]},
        lambda keys: keys | {"x/zarr.json": keys["x/zarr.json"].replace(b"[\n    4\n  ]", b"[40000000000]")},
        lambda keys: keys | {"x/zarr.json": keys["x/zarr.json"].replace(b'"float64"', b'"string"')},
        lambda keys: keys | {"x/zarr.json": keys["x/zarr.json"].replace(b'"zstd"', b'"vlen-utf8"')},
        lambda keys: keys | {"x/zarr.json": b"{"},
        lambda keys: keys | {"x/zarr.json": b"[" * 100_000},
        lambda keys: keys | {"g/h/zarr.json": keys["x/zarr.json"], "g/h/c/0": keys["x/c/0"]},
    ],
)
def test_keys_that_are_not_ours_are_refused_in_one_line(change):
    encoded = encode_tree({"x": np.arange(4.0)})
    with pytest.raises(DamagedRun, match=r"^here/[^\n]+$"):
        decode_tree(Encoded(change(encoded.keys), encoded.attributes), "here")
