"""A run opens with xarray and zarr alone, without a warning (warnings are errors in these tests)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from rallax.storage import LocalStore, RunStore, Variable


def a_run_with_everything(kit, run: RunStore) -> Path:
    run.claim_epoch()
    fit = kit.ToyFit()
    for number in range(4):
        history = fit.advance(3)
        tree = fit.tree() | {
            "parameters": Variable(np.ones((3, 2)), ("start", "parameter")),
            "key": np.array([0, 1], np.uint32),
            "best": {"loss": float("nan"), "start": None, "flags": np.array([True]), "empty": np.zeros((0, 2))},
        }
        run.commit(tree, history=history, step=fit.step, keep=2, best=number == 0)
    time = np.arange(9) * 0.025
    voltage = Variable(np.zeros((2, 1, 9), np.float32), ("start", "site", "time"), "mV")
    run.write_traces("IV_265", {"voltage": voltage, "time": Variable(time, ("time",), "ms")})
    return Path(run.location, "run.zarr")


@pytest.mark.parametrize("consolidated", [None, False])
def test_xarray_opens_the_whole_tree(kit, run, consolidated):
    path = a_run_with_everything(kit, run)
    tree = xr.open_datatree(path, engine="zarr", consolidated=consolidated).load()
    assert set(tree.children) == {"checkpoints", "data", "history", "parameters", "traces"}
    assert sorted(tree["checkpoints"].children) == [f"seq-{n:06d}-epoch-0001" for n in (1, 3, 4)]
    assert len(tree["history"].children) == 4
    joined = xr.concat([tree["history"][name].to_dataset() for name in sorted(tree["history"].children)], "step")
    assert joined["step"].values.tolist() == list(range(12))
    assert joined["loss"].values.tobytes() == kit.undisturbed(12)[1].tobytes()
    sweep = tree["data/IV_265"]
    assert sweep["voltage"].dims == ("site", "time") and sweep["voltage"].attrs["units"] == "mV"
    assert sweep["time"].attrs["units"] == "ms" and float(sweep["time"][1]) == 0.1
    assert tree["traces/IV_265/voltage"].dims == ("start", "site", "time")
    assert tree["parameters"].attrs["names"] == ["g", "e"]
    assert tree.attrs["job_hash"] == "abc" and tree.attrs["format_version"] == 1
    for node in tree.subtree:
        for name, array in node.to_dataset(inherit=False).variables.items():
            assert "units" in array.attrs and all(array.dims), name
            assert {"start", "site", "step", "time"} & set(array.dims) <= set(node.coords), name


def test_zarr_opens_it_too(kit, run):
    group = zarr.open_group(a_run_with_everything(kit, run), mode="r")
    assert "committed" in group["checkpoints/seq-000004-epoch-0001"].attrs
    assert group["data/IV_265/voltage"][...].shape == (1, 50)
    assert sum(1 for _ in group.members(max_depth=None)) > 40


def test_every_array_has_named_dimensions_and_zstd(kit, run):
    path = a_run_with_everything(kit, run)
    documents = [json.loads(p.read_bytes()) for p in path.rglob("zarr.json")]
    arrays = [document for document in documents if document["node_type"] == "array"]
    assert len(arrays) > 40
    for array in arrays:
        assert all(array.get("dimension_names", [])) and "units" in array["attributes"]
        assert len(array.get("dimension_names", [])) == len(array["shape"])
        assert [codec["name"] for codec in array["codecs"]] == ["bytes", "zstd"]


def test_what_a_killed_commit_left_is_not_shown(kit, run):
    path = a_run_with_everything(kit, run)
    before = xr.open_datatree(path, engine="zarr")
    store = kit.FaultyStore(LocalStore(path.parent), None, "die before")
    dying = RunStore.open(store, write=True)
    dying.claim_epoch()
    fit = kit.ToyFit(dying.latest())
    history = fit.advance(3)
    written: list[str] = []

    def at_the_second_writing_of_the_segments_document(name: str) -> None:
        if "/history/" in name and name.endswith("epoch-0002/zarr.json"):
            written.append(name)
            store.at = len(store.writes) if len(written) == 2 else None

    store.before = at_the_second_writing_of_the_segments_document
    with pytest.raises(kit.Killed):
        dying.commit(fit.tree(), history=history, step=fit.step)
    after = xr.open_datatree(path, engine="zarr").load()
    assert list(after["checkpoints"].children) == list(before["checkpoints"].children)
    assert list(after["history"].children) == list(before["history"].children)
    # without the table of contents a reader sees the half-written group, as an ordinary group without `committed`
    shown = xr.open_datatree(path, engine="zarr", consolidated=False)
    assert any("committed" not in node.attrs for node in shown["history"].children.values())


def test_foreign_consolidation_does_not_harm_the_run(kit, run):
    path = a_run_with_everything(kit, run)
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(path)
    reader = RunStore.open(path.parent, write=True)
    kit.assert_state(reader, step=12)
    reader.claim_epoch()
    assert reader.verify() == []
