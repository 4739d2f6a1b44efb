"""The example's job is one that the command line would take, and the hidden parameters are an answer to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rallax.workflows.example import targets
from rallax.workflows.example.grow import grow_pyramidal_cell
from rallax.workflows.example.swc import write_swc
from rallax.workflows.job import load_job


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example with flat recordings in place of simulated ones."""
    shutil.copy(Path(targets.__file__).parent / "job.toml", tmp_path / "job.toml")
    write_swc(grow_pyramidal_cell(targets.CELL_SEED), tmp_path / "morphology.swc", "grown")
    (tmp_path / "recordings").mkdir()
    time = np.arange(0.0, targets.SWEEP_MS, 0.1)
    for name in ("hyperpolarising", "subthreshold", "firing_weak", "firing_strong", "firing_middle"):
        targets._write_csv(tmp_path / "recordings" / f"{name}.csv", time, np.full(time.shape, -76.0))
    return tmp_path


def test_job_is_right_and_has_training_and_validation(folder: Path) -> None:
    job = load_job(folder / "job.toml")
    assert [s.use for s in job.sweeps] == ["train"] * 4 + ["validate"]
    trained = {s.stimulus.amplitude_nA for s in job.sweeps if s.stimulus and s.use == "train"}
    held_back = {s.stimulus.amplitude_nA for s in job.sweeps if s.stimulus and s.use == "validate"}
    assert not trained & held_back
    assert min(trained) < min(held_back) < max(trained)
    assert job.run_directory == folder / "run"


def test_hidden_parameters_are_those_of_the_job_and_inside_its_bounds(folder: Path) -> None:
    job = load_job(folder / "job.toml")
    assert [p.name for p in job.parameters] == list(targets.HIDDEN)
    assert len(targets.HIDDEN) == 8
    for parameter in job.parameters:
        low, high = parameter.bounds
        share = (targets.HIDDEN[parameter.name] - low) / (high - low)
        assert 0.05 < share < 0.95, parameter.name


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "job.toml"
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="is not an empty folder"):
        targets.write_example(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["job.toml"] and mine.read_text(encoding="utf-8") == "mine"
    with pytest.raises(ValueError, match="is not an empty folder"):
        targets.write_example(mine)
