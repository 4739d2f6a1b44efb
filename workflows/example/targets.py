"""The example's folder: reconstruction, job and the recordings that a cell with hidden parameters gives.

Owns the hidden parameters, the noise and the files' names. The cell is simulated from the very job that is then
fitted, so that the hidden parameters are an exact answer to it, noise aside.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from .grow import grow_pyramidal_cell
from .swc import write_swc

CELL_SEED = 4
NOISE_SEED = 1
NOISE_MV = 0.3
SAMPLE_INTERVAL_MS = 0.1
SWEEP_MS = 90.0
# Close to where the hidden cell rests, so that its recordings begin without a drift.
REST_MV = -76.0

HIDDEN = {
    "g_pas": 3e-5,
    "e_pas": -78.0,
    "gIh": 8e-5,
    "gNa_soma": 0.9,
    "gNa_axon": 3.0,
    "gKv3_soma": 0.3,
    "gKp_axon": 0.5,
    "gIm": 1.4e-4,
}


def write_example(folder: Path) -> Path:
    """Fill ``folder`` (new or empty) with the example and return its job file.

    Raises
    ------
    ValueError : if the folder holds something already
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not an empty folder; name a new one")
    recordings = folder / "recordings"
    recordings.mkdir(parents=True, exist_ok=True)
    write_swc(grow_pyramidal_cell(CELL_SEED), folder / "morphology.swc", "grown by rallax.workflows.example")
    job_file = folder / "job.toml"
    job_file.write_bytes((Path(__file__).parent / "job.toml").read_bytes())
    _write_hidden(folder / "hidden.toml")
    _write_recordings(job_file)
    return job_file


def _write_recordings(job_file: Path) -> None:
    # How long a sweep is, and where the cell starts in it, is read from its recording: flat ones say so, and are
    # then replaced by what the cell does.
    names = [sweep["name"] for sweep in tomllib.loads(job_file.read_text(encoding="utf-8"))["sweeps"]]
    files = {name: job_file.parent / "recordings" / f"{name}.csv" for name in names}
    time = np.arange(round(SWEEP_MS / SAMPLE_INTERVAL_MS) + 1) * SAMPLE_INTERVAL_MS
    for file in files.values():
        _write_csv(file, time, np.full(time.shape, REST_MV))

    # Imported here: the simulator takes seconds to load, and growing a cell does not need it.
    from ..job import load_job
    from ..simulate import simulate_job

    rng = np.random.default_rng(NOISE_SEED)
    for name, trace in simulate_job(load_job(job_file), HIDDEN).items():
        voltage = np.asarray(trace, dtype=float)
        _write_csv(files[name], time, voltage + NOISE_MV * rng.standard_normal(voltage.shape))


def _write_csv(file: Path, time: Float[ndarray, " time"], voltage: Float[ndarray, " time"]) -> None:
    lines = [f"{t:.1f},{v:.3f}" for t, v in zip(time, voltage, strict=True)]
    file.write_text("\n".join(["time (ms),voltage (mV)", *lines]) + "\n", encoding="utf-8")


def _write_hidden(file: Path) -> None:
    lines = ["# What the recordings were simulated with; the fit does not read this file."]
    lines += [f"{name} = {value!r}" for name, value in HIDDEN.items()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
