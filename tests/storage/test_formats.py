"""Every format that was ever written stays readable. A file of `data/` is never made anew: it is what users have.

`run-format-1.zip` was written by the first version: four commits of the toy fit, the last two and the best kept.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from rallax.storage import FORMAT_VERSION, RunStore

DATA = Path(__file__).parent / "data"


def unpacked(version: int, folder: Path) -> Path:
    with zipfile.ZipFile(DATA / f"run-format-{version}.zip") as archive:
        archive.extractall(folder)
    return folder


def test_there_is_a_run_of_every_format():
    stored = {path.name for path in DATA.glob("run-format-*.zip")}
    assert stored == {f"run-format-{version}.zip" for version in range(1, FORMAT_VERSION + 1)}


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_run_of_an_earlier_version_is_read_whole(kit, quick_path, version):
    run = RunStore.open(unpacked(version, quick_path / "run"))
    assert run.verify() == []
    kit.assert_state(run, step=12)
    latest = run.latest(strict=True)
    assert latest.attrs == {"done": True} and np.isnan(latest.tree["best"]["loss"])
    assert latest.tree["best"]["start"] is None and latest.tree["optimizer"]["count"] == 12
    assert [(commit.label.seq, commit.best) for commit in run.commits()] == [(1, True), (3, False), (4, False)]
    assert run.read_sweep("IV_265")["voltage"].units == "mV" and run.read_parameters().names == ("g", "e")
    traces = run.read_traces("IV_265")["voltage"]
    assert traces.dims == ("start", "site", "time") and traces.data.ravel().tolist() == list(range(18))
    assert [event["step"] for event in run.read_log()] == [3, 6, 9, 12]
    assert run.read_file("job.toml") == b"name = 'x'\n" and run.attributes["job_hash"] == "abc"
    assert xr.open_datatree(quick_path / "run/run.zarr", engine="zarr")["traces/IV_265/voltage"].shape == (2, 1, 9)


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_run_of_an_earlier_version_goes_on(kit, quick_path, version):
    run = RunStore.open(unpacked(version, quick_path / "run"), write=True)
    assert run.claim_epoch() == 2
    fit = kit.ToyFit(run.latest())
    history = fit.advance(3)
    run.commit(fit.tree(), history=history, step=fit.step, keep=1)
    kit.assert_state(RunStore.open(quick_path / "run"), step=15)
