"""Recordings of each format against the libraries that own it, and what is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rallax.workflows.errors import UserError
from rallax.workflows.recordings import read_recording
from rallax.workflows.recordings.units import kind_of, to_simulator


@pytest.mark.data
@pytest.mark.parametrize("sweep", ["IV_ch{}_265", "APWaveform_ch{}_295", "IDrest_ch{}_328", "SpikeRec_ch{}_414"])
def test_igor_waves_against_igor2(recordings_dir: Path, sweep: str) -> None:
    from igor2 import binarywave

    listed = json.loads((recordings_dir / "sweeps.json").read_text(encoding="utf-8"))["sweeps"]
    for channel, kind, factor in ((0, "current", 1e9), (1, "voltage", 1e3)):
        file = recordings_dir / "recordings" / f"X_{sweep.format(channel)}.ibw"
        wave = binarywave.load(str(file))["wave"]["wData"]
        found = read_recording(file, kind)
        np.testing.assert_allclose(found.values, np.asarray(wave, np.float64) * factor, rtol=1e-12)
        interval = next(s["dt_ms"] for s in listed if s[kind] == file.name)
        assert found.interval_ms == pytest.approx(interval, rel=1e-6)
        np.testing.assert_allclose(found.time_ms, np.arange(wave.size) * interval, rtol=1e-6)
        assert found.end_ms == pytest.approx(wave.size * interval, rel=1e-6)


@pytest.mark.data
def test_a_voltage_where_a_current_belongs(recordings_dir: Path) -> None:
    file = recordings_dir / "recordings" / "X_IV_ch1_265.ibw"
    with pytest.raises(UserError, match=r"X_IV_ch1_265.ibw: is in V, a voltage, where a current is expected \(nA, pA"):
        read_recording(file, "current")


@pytest.mark.data
def test_damaged_waves_are_refused_in_one_quiet_line(
    recordings_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = (recordings_dir / "recordings" / "X_IV_ch1_265.ibw").read_bytes()
    file = tmp_path / "damaged.ibw"
    for cut in (3, 60, 100, 1000, len(content) // 2):
        file.write_bytes(content[:cut])
        with caplog.at_level(logging.DEBUG), pytest.raises(UserError, match=r"damaged.ibw: ") as raised:
            read_recording(file, "voltage")
        assert "\n" not in str(raised.value)
    assert not caplog.records

    rng = np.random.default_rng(0)
    for _ in range(100):
        spoiled = bytearray(content[:400])
        for at in rng.integers(0, 400, 8):
            spoiled[at] = rng.integers(0, 256)
        file.write_bytes(bytes(spoiled) + content[400:])
        try:
            read_recording(file, "voltage")
        except UserError as error:
            assert "\n" not in str(error)


CSV = [
    "time (ms), voltage (mV)\n0,-70\n0.5,-69\n1,-68\n",
    "time (s);voltage (V)\n0;-0.07\n0.0005;-0.069\n0.001;-0.068\n",
    "# rig 2\n\ntime [us]\tv [uV]\n0\t-70e3\n500\t-69e3\n1000\t-68e3\n",
    "time (ms)  voltage (mV)\n0  -70\n0.5  -69\n1   -68\n",
    "0 -70\n0.5 -69\n1 -68\n",
    "0,-70\r\n0.5,-69\r\n1,-68",
    "\ufefft (ms), I (pA), V (mV)\n0,5,-70\n0.5,5,-69\n1,5,-68\n",
    '"t (ms)","V (mV)"\n0,-70\n0.5,-69\n1,-68\n',
]


@pytest.mark.parametrize("text", CSV)
def test_text_tables_say_the_same(tmp_path: Path, text: str) -> None:
    file = tmp_path / "v.csv"
    file.write_bytes(text.encode())
    found = read_recording(file, "voltage")
    np.testing.assert_allclose(found.values, [-70.0, -69.0, -68.0])
    np.testing.assert_allclose(found.time_ms, [0.0, 0.5, 1.0])
    assert found.interval_ms == pytest.approx(0.5)


def test_one_table_holds_both(tmp_path: Path) -> None:
    file = tmp_path / "both.txt"
    file.write_text("t (ms), I (pA), V (mV)\n0,50,-70\n0.5,60,-69\n", encoding="utf-8")
    np.testing.assert_allclose(read_recording(file, "current").values, [0.05, 0.06])
    np.testing.assert_allclose(read_recording(file, "voltage").values, [-70.0, -69.0])


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text("t (ms), V (mV)\n0,-70\n0.5,-69\n2,-68\n", encoding="utf-8")
    found = read_recording(file, "voltage")
    assert found.interval_ms is None
    np.testing.assert_allclose(found.time_ms, [0.0, 0.5, 2.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# nothing\n", "no line with samples"),
        ("time (ms), voltage (mV)\n", "no samples; write samples below line 1"),
        ("time (ms), voltage (mV)\n0,-70\n", "1 samples; at least two"),
        ("time, voltage\n0,-70\n1,-70\n", "line 1: 'time' has no unit in brackets"),
        ("time (ms), voltage (mV)\n0,-70\n1,x\n", "line 3: 'x' is no number"),
        ("time (ms), voltage (mV)\n0,-70\n1,-7_0\n", "line 3: '-7_0' is no number"),
        ("time (ms), voltage (mV)\n0,-70\n1,nan\n", "line 3: nan is not finite"),
        ("time (ms), voltage (mV)\n0,-70\n1\n", "line 3 has 1 columns, not 2"),
        ("time (ms), voltage (mV)\n0,-70\n\n1,-70,3\n", "line 4 has 3 columns"),
        ("time (ms), voltage (mV)\n1,-70\n0,-70\n", "time does not increase at sample 1"),
        ("time (ms), voltage (mV)\n0,-70\n0,-70\n", "time does not increase"),
        ("time (ms), current (nA)\n0,1\n1,1\n", "a current, where a voltage is expected (mV, V, uV)"),
        ("time (ms), voltage (kV)\n0,1\n1,1\n", "'kV', which is no unit of voltage"),
        ("v (mV), voltage (mV)\n0,1\n1,1\n", "a voltage, where a time is expected"),
        ("t (ms), a (mV), b (mV)\n0,1,2\n1,1,2\n", "2 columns hold a voltage"),
        ("0,1,2\n1,1,2\n", "line 1 has 3 columns and no header"),
        ("time (ms), voltage (V)\n0,-70\n1,-70\n", "reaches 70000 mV, read as V"),
    ],
)
def test_text_tables_that_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "v.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        read_recording(file, "voltage")
    assert str(raised.value).startswith(f"{file}: ")
    assert words in str(raised.value)


@settings(
    max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet="0123456789.,;-e \t\nt(ms)V#[]", max_size=200).map(str.encode))
)
def test_any_content_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.dat"
    file.write_bytes(content)
    try:
        read_recording(file, "voltage")
    except UserError as error:
        assert str(error).startswith(f"{file}: ")
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("v.ibw", b"time (ms), voltage (mV)\n0,1\n", "holds text"),
        ("v.csv", b"\x05\x00" + bytes(400), "holds an Igor binary wave"),
        ("v.csv", b"\x00" * 100, "neither text nor"),
        ("v.dat", b"\x80\x04\x95pickle\x00", "a Python pickle"),
        ("v.dat", b"\x89HDF\r\n\x1a\n" + bytes(100), "NWB recordings are not built yet"),
        ("v.dat", b"ABF2" + bytes(100), "ABF file, which is not built yet"),
        ("v.dat", b"PK\x03\x04" + bytes(100), "zip archive"),
    ],
)
def test_the_content_tells_the_format(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_recording(tmp_path / name, "voltage")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there"):
        read_recording(tmp_path / "v.csv", "voltage")
    with pytest.raises(UserError, match="is a directory and no Zarr array"):
        read_recording(tmp_path, "voltage")


def test_zarr_arrays(tmp_path: Path) -> None:
    import zarr

    values = np.linspace(-70.0, -60.0, 11)
    group = zarr.create_group(tmp_path / "run.zarr")
    sweep = group.create_group("data/IV_265")
    voltage = sweep.create_array("voltage", data=values[None] / 1e3, dimension_names=["site", "time"])
    voltage.attrs["units"] = "V"
    time = sweep.create_array("time", data=np.arange(11) * 0.25e-3, dimension_names=["time"])
    time.attrs["units"] = "s"
    found = read_recording(tmp_path / "run.zarr" / "data" / "IV_265", "voltage")
    np.testing.assert_allclose(found.values, values)
    assert found.interval_ms == pytest.approx(0.25)
    with pytest.raises(UserError, match="without an array named 'current'"):
        read_recording(tmp_path / "run.zarr" / "data" / "IV_265", "current")

    alone = zarr.create_array(tmp_path / "i.zarr", data=values)
    with pytest.raises(UserError, match="no attribute units"):
        read_recording(tmp_path / "i.zarr", "current")
    alone.attrs["units"] = "pA"
    with pytest.raises(UserError, match="attribute sampling_interval_ms"):
        read_recording(tmp_path / "i.zarr", "current")
    alone.attrs["sampling_interval_ms"] = 0.1
    np.testing.assert_allclose(read_recording(tmp_path / "i.zarr", "current").values, values / 1e3)
    with pytest.raises(UserError, match="is in pA, a current, where a voltage is expected"):
        read_recording(tmp_path / "i.zarr", "voltage")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"codecs": [{"name": "numcodecs.pickle"}]}, "codec 'numcodecs.pickle'"),
        (
            {"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": ["pickle"], "index_codecs": []}}]},
            "pickle",
        ),
        ({"zarr_format": 2}, "version 3"),
        ({"shape": [10**12]}, "at most 500000000"),
        ({"shape": [3, 4]}, "one dimension"),
        ({"data_type": "string"}, "Zarr array|type"),
        ({"attributes": {"units": "mV"}, "dimension_names": ["../time"]}, "neither times"),
        ({"attributes": {"units": "mV", "sampling_interval_ms": -1}}, "above 0"),
        # Found by the fuzz: larger than any float.
        ({"attributes": {"units": "mV", "sampling_interval_ms": 10**400}}, "above 0"),
        ({"attributes": {"units": "mV", "sampling_interval_ms": "1"}}, "a number is needed"),
        ({"attributes": {"units": 3}}, "no attribute units"),
    ],
)
def test_hostile_zarr_arrays(tmp_path: Path, change: dict[str, object], words: str) -> None:
    import zarr

    array = zarr.create_array(tmp_path / "v.zarr", data=np.zeros(8), dimension_names=["time"])
    array.attrs.update({"units": "mV", "sampling_interval_ms": 0.1})
    file = tmp_path / "v.zarr" / "zarr.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}), encoding="utf-8")
    with pytest.raises(UserError, match=words) as raised:
        read_recording(tmp_path / "v.zarr", "voltage")
    assert "\n" not in str(raised.value)


def test_units() -> None:
    assert to_simulator("V", "voltage") == 1e3
    assert to_simulator("pA", "current") == 1e-3
    assert to_simulator("µA", "current") == to_simulator("μA", "current") == 1e3
    assert to_simulator("s", "time") == 1e3
    assert kind_of("S") is None
    # Case tells milli from mega: MV is no unit of a recording.
    assert kind_of("MV") is None
