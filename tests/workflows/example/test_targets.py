"""The written example: recordings that an electrophysiologist would believe, made by the job's own model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rallax.workflows.example.targets import HIDDEN, NOISE_MV, write_example
from rallax.workflows.job import load_job
from rallax.workflows.simulate import simulate_job


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("example") / "new")


def recorded(job_file: Path, name: str) -> np.ndarray:
    return np.loadtxt(job_file.parent / "recordings" / f"{name}.csv", delimiter=",", skiprows=1)


def test_cell_fires_where_its_sweeps_say_so_and_rests_before(job_file: Path) -> None:
    spikes = {}
    for sweep in load_job(job_file).single_sweeps():
        time, voltage = recorded(job_file, sweep.name).T
        assert np.all(np.diff(time) > 0.0)
        rest = voltage[time < 10.0]
        assert -78.0 < rest.mean() < -73.0
        assert abs(rest[:20].mean() - rest[-20:].mean()) < 1.5, "no drift before the stimulus"
        spikes[sweep.name] = int(np.count_nonzero((voltage[1:] > 0.0) & (voltage[:-1] <= 0.0)))
    assert spikes["hyperpolarising"] == spikes["subthreshold"] == 0
    assert 1 <= spikes["firing_weak"] < spikes["firing_middle"] < spikes["firing_strong"]


def test_hidden_parameters_give_the_recordings_but_for_the_noise(job_file: Path) -> None:
    job = load_job(job_file)
    passive = [s.name for s in job.single_sweeps() if not s.name.startswith("firing")]
    simulated = simulate_job(job, HIDDEN)
    for name in passive:
        residual = recorded(job_file, name)[:, 1] - simulated[name]
        # The cell now starts at the mean of the noisy recording's baseline instead of exactly where it did.
        assert np.sqrt(np.mean(residual**2)) == pytest.approx(NOISE_MV, rel=0.25)
