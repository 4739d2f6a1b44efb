"""Traces written in parts by several processes, and sealed by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray

from rallax.storage import Fenced, PartWriter, RunStore, StorageError, Variable, remote_store


def run_at(place: Path) -> tuple[RunStore, int]:
    run = RunStore.create(place, attributes={"name": "x"}, files={})
    return run, run.claim_epoch()


def coordinates(n: int, samples: int) -> dict[str, Variable]:
    time, start = np.arange(samples) * 0.1, np.arange(n, dtype=np.int64)[::-1].copy()
    return {"time": Variable(time, ("time",), "ms"), "start": Variable(start, ("start",))}


@pytest.mark.parametrize("starts, block", [(8, 16), (8, 8), (8, 3), (7, 2), (1, 4)])
@pytest.mark.parametrize("samples", [50, 3_000_000])
def test_parts_in_any_order_make_the_whole(tmp_path: Path, starts: int, block: int, samples: int) -> None:
    if samples > 50 and starts * block > 21:
        pytest.skip("one large case is enough")
    run, epoch = run_at(tmp_path / "run")
    word, mine = run.part_writer(epoch, block)
    other = PartWriter(tmp_path / "run", epoch, word, block)
    assert other.visible()
    v = np.random.default_rng(0).normal(size=(starts, 1, 50)).astype(np.float32)
    v = np.tile(v, (1, 1, samples // 50))
    run.begin_trace_parts(["s"])
    numbers = list(range(-(-starts // block)))
    told = {}
    for i in reversed(numbers):
        writer = (mine, other)[i % 2]
        told[i] = writer.write("s", i, v[i * block : (i + 1) * block])
        # A double is harmless.
        assert other.write("s", i, v[i * block : (i + 1) * block]) == told[i]
    assert run.traces() == []
    run.seal_traces("s", [told[i] for i in numbers], block, coordinates(starts, samples))
    found = RunStore.open(tmp_path / "run").read_traces("s")
    np.testing.assert_array_equal(found["voltage"].data, v)
    assert found["voltage"].units == "mV" and set(found.variables) == {"voltage", "time", "start", "site"}
    assert run.verify() == []
    tree = xarray.open_datatree(tmp_path / "run" / "run.zarr", engine="zarr")
    np.testing.assert_array_equal(tree["traces/s/voltage"].values, v)
    assert tree["traces/s/voltage"].dims == ("start", "site", "time")
    tree.close()
    # Taken away for new ones: nobody reads arrays without chunks, which would be 0 mV.
    run.begin_trace_parts(["s"])
    tree = xarray.open_datatree(tmp_path / "run" / "run.zarr", engine="zarr")
    assert "s" not in tree["traces"].children


def test_another_place_is_not_visible(tmp_path: Path) -> None:
    run, epoch = run_at(tmp_path / "run")
    word, _ = run.part_writer(epoch, 4)
    assert not PartWriter(tmp_path / "elsewhere", epoch, word, 4).visible()
    # The run of an earlier session, or of another file system at the same path, has another word.
    run.part_writer(epoch, 4)
    assert not PartWriter(tmp_path / "run", epoch, word, 4).visible()


def test_a_place_is_not_visible_without_the_package_that_speaks_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker on a machine without s3fs: its traces go back to the coordinator, as where it sees nothing."""

    def absent(place: str) -> None:
        raise StorageError(f"{place}: s3:// needs the package s3fs")

    monkeypatch.setattr(remote_store, "open_filesystem", absent)
    assert not PartWriter("s3://bucket/run", 1, "word", 4).visible()


def test_a_writer_of_a_coordinator_that_lost_the_run_writes_nothing(tmp_path: Path) -> None:
    run, epoch = run_at(tmp_path / "run")
    _, writer = run.part_writer(epoch, 4)
    run.begin_trace_parts(["s"])
    RunStore.open(tmp_path / "run", write=True).claim_epoch()
    with pytest.raises(Fenced):
        writer.write("s", 0, np.zeros((2, 1, 5), np.float32))
    assert not (tmp_path / "run/run.zarr/traces/s/voltage").exists()


def test_new_traces_replace_the_old(tmp_path: Path) -> None:
    run, epoch = run_at(tmp_path / "run")
    _, writer = run.part_writer(epoch, 2)
    for n in (5, 3):
        run.begin_trace_parts(["s"])
        assert run.traces() == []
        parts = [writer.write("s", i, np.full((min(2, n - 2 * i), 1, 4), float(n))) for i in range(-(-n // 2))]
        run.seal_traces("s", parts, 2, coordinates(n, 4))
        assert run.read_traces("s")["voltage"].data.shape == (n, 1, 4) and run.verify() == []
