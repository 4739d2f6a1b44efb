"""A job that fits in seconds: a soma with two dendrites, three parameters, three sweeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HIDDEN = {"g_pas": 6e-5, "e_pas": -72.0, "gNa": 0.08}

_SWC = """# a soma and two dendrites
1 1 0 0 0 8 -1
2 3 0 8 0 1.5 1
3 3 0 120 0 1 2
4 4 0 -8 0 1.5 1
5 4 0 -150 0 1 4
"""

_JOB = """
name = "tiny"
[model]
morphology = "cell.swc"
discretization = { max_length_um = 60.0 }
[[model.set]]
region = "all"
values = { axial_resistivity = 100.0, capacitance = 1.0 }
[[model.insert]]
region = "all"
mechanism = "pas"
[[model.insert]]
region = "soma"
mechanism = "HH"
[[parameters]]
name = "g_pas"
region = "all"
parameter = "pas_g"
bounds = [1e-5, 2e-4]
transform = "log"
[[parameters]]
name = "e_pas"
region = "all"
parameter = "pas_e"
bounds = [-85.0, -60.0]
[[parameters]]
name = "gNa"
region = "soma"
parameter = "HH_gNa"
bounds = [0.02, 0.2]
[[sweeps]]
name = "step"
numbers = [1, 2]
voltage = "step_{n}.csv"
stimulus = { kind = "step", delay_ms = 2.0, duration_ms = 10.0, amplitude_nA = 0.1 }
[[sweeps]]
name = "held_out"
voltage = "held_out.csv"
stimulus = { kind = "step", delay_ms = 4.0, duration_ms = 6.0, amplitude_nA = 0.05 }
use = "validate"
[simulation]
v_init = -70.0
[loss]
terms = [{ kind = "mse", scale_mV = 5.0 }]
[fit]
candidates = 8
starts = 4
steps = 6
optimizer = { name = "adam", learning_rate = 0.1, clip_norm = 1.0 }
[compute]
workers = 2
[storage]
checkpoint_every_steps = 2
"""


_TIME = np.arange(0, 15.01, 0.1)


def write_tiny(folder: Path) -> Path:
    """Write the job with the recordings that its hidden parameters give; the path of the job file."""
    from rallax.workflows import load_job, simulate_job

    job = write_flat(folder)
    for name, v in simulate_job(load_job(job), HIDDEN).items():
        _write(folder / f"{name}.csv", _TIME, v)
    return job


def write_flat(folder: Path) -> Path:
    """Write the job with recordings in which nothing happens, for which nothing need be simulated."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cell.swc").write_text(_SWC)
    job = folder / "job.toml"
    job.write_text(_JOB)
    for name in ("step_1", "step_2", "held_out"):
        _write(folder / f"{name}.csv", _TIME, np.full(_TIME.shape, -70.0))
    return job


def _write(path: Path, time: np.ndarray, v: np.ndarray) -> None:
    rows = "\n".join(f"{t:.2f},{x:.4f}" for t, x in zip(time, v, strict=True))
    path.write_text(f"time (ms),voltage (mV)\n{rows}\n")


def contents(run_directory: Path) -> dict[str, bytes]:
    """What a fit has found, as bytes: parameters, losses, history, traces."""
    from rallax.workflows import Run

    run = Run.open(run_directory)
    found = {"theta": run.parameters().tobytes(), "losses": run.best_losses().tobytes()}
    found |= {f"history {name}": values.tobytes() for name, values in run.history().items()}
    found |= {f"traces {name}": trace.values.tobytes() for name, trace in run.traces().items()}
    return found
