"""A small job that is right in every respect, and ways to spoil it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

JOB = """
name = "small"

[model]
morphology = "cell.swc"
discretization = { ncomp = 1 }

[[model.insert]]
region = "all"
mechanism = "pas"

[[parameters]]
name = "g_pas"
region = "all"
parameter = "pas_g"
bounds = [1e-5, 6e-5]

[[parameters]]
name = "e_pas"
region = ["soma", "basal"]
parameter = "pas_e"
bounds = [-95.0, -60.0]
profile = "1 + c*d"

[[parameters]]
name = "c"
bounds = [0.0, 1e-3]

[[sweeps]]
name = "step"
numbers = [1, 2]
voltage = "v_{n}.csv"
current = "i_{n}.csv"
window_ms = [0.0, 40.0]

[[sweeps]]
name = "pulse"
voltage = "v_1.csv"
stimulus = { kind = "step", delay_ms = 5.0, duration_ms = 10.0, amplitude_nA = 0.1 }
window_ms = [0.0, 20.0]
use = "validate"

[recording]
liquid_junction_potential_mV = 14.0
holding = "subtract"

[simulation]
delta_t_ms = 0.1
v_init = "baseline"

[loss]
terms = [ { kind = "mse", scale_mV = 5.0 }, { kind = "window_stats", windows_ms = [[0.0, 10.0], [10.0, 20.0]] } ]

[fit]
candidates = 4
starts = 2
steps = 3
optimizer = { name = "adam", learning_rate = 0.05, clip_norm = 1.0 }

[storage]
run = "run"
"""

SWC = """# a soma and one dendrite
1 1 0 0 0 5 -1
2 3 10 0 0 1 1
3 3 60 0 0 1 2
"""


def write_csv(path: Path, title: str, time: np.ndarray, values: np.ndarray) -> None:
    """A recording as text; `title` is the header of its second column."""
    rows = [f"{t:.6g},{v:.9g}" for t, v in zip(time, values, strict=True)]
    path.write_text("\n".join([f"time (ms), {title}", *rows]) + "\n", encoding="utf-8")


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    """The small job with its files in a folder of its own."""
    time = np.arange(0.0, 50.0, 0.2)
    during = (time >= 10.0) & (time < 30.0)
    for number in (1, 2):
        write_csv(tmp_path / f"v_{number}.csv", "voltage (mV)", time, np.where(during, -80.0 - number, -66.0))
        write_csv(tmp_path / f"i_{number}.csv", "current (pA)", time, np.where(during, -100.0 * number, -50.0))
    (tmp_path / "cell.swc").write_text(SWC, encoding="utf-8")
    file = tmp_path / "job.toml"
    file.write_text(JOB, encoding="utf-8")
    return file


@pytest.fixture
def document() -> dict[str, Any]:
    """The small job as plain data."""
    return tomllib.loads(JOB)


@pytest.fixture
def spoil(job_file: Path) -> Callable[[str, str], Path]:
    """Replace a piece of the job's text, which must be there."""

    def replace(old: str, new: str) -> Path:
        text = job_file.read_text(encoding="utf-8")
        assert old in text
        job_file.write_text(text.replace(old, new, 1), encoding="utf-8")
        return job_file

    return replace


@pytest.fixture(scope="session")
def recordings_dir(data_dir: Path) -> Path:
    """The recorded cell of the shared data."""
    folder = data_dir / "rat_l5ttpc"
    if not os.access(folder / "morphology.asc", os.R_OK):
        pytest.skip(f"the recorded cell is not here: {folder}")
    return folder


@pytest.fixture
def csv() -> Callable[..., None]:
    """`write_csv`, which test modules cannot import from here."""
    return write_csv
