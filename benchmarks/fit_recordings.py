"""The two fits of a real cell's recordings: three passive parameters, and all 31.

    python benchmarks/fit_recordings.py [l5ttpc-subthreshold | l5ttpc ...] [--keep DIR]

Needs ../shared/data (or RALLAX_DATA). Each job is put beside the data in a temporary folder (or DIR) and run by the
command line as it stands; then its run is read and judged. Nothing of the data stays behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _bar import tell

from rallax.workflows import Run

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("RALLAX_DATA", ROOT.parent / "shared" / "data")) / "rat_l5ttpc"
JOBS = ("l5ttpc-subthreshold", "l5ttpc")
SPIKE_MV = -20.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", nargs="*", default=JOBS)
    parser.add_argument("--keep", type=Path, help="run here and keep the runs")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: no recordings in {DATA}; set RALLAX_DATA")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        shutil.copytree(DATA, folder, dirs_exist_ok=True)
        for name in arguments.jobs:
            run, seconds = fit(folder, name)
            print(f"{name}: {seconds:.0f} s, report {run.directory / 'report.html'}")
            (judge_subthreshold if name == "l5ttpc-subthreshold" else judge_l5ttpc)(run)
    return 0


def fit(folder: Path, name: str) -> tuple[Run, float]:
    job = folder / f"{name}.toml"
    shutil.copy(ROOT / "workflows" / "jobs" / job.name, job)
    directory = folder / "runs" / name
    shutil.rmtree(directory, ignore_errors=True)
    begun = time.monotonic()
    rallax = [sys.executable, "-m", "rallax.workflows.cli"]
    subprocess.run([*rallax, "run", str(job), "--run", str(directory)], check=True)
    return Run.open(directory), time.monotonic() - begun


def rms(run: Run, use: str) -> float:
    """RMS error in mV of the best start, pooled over the sweeps of a use."""
    best, squares = run.best_start(), []
    for name, trace in run.traces().items():
        sweep = run.store.read_sweep(name)
        if sweep.attrs["use"] == use:
            squares.append(np.mean((trace.sel(start=best).values[0] - sweep["voltage"].data[0]) ** 2))
    return float(np.sqrt(np.mean(squares)))


def judge_subthreshold(run: Run) -> None:
    train, held_out = rms(run, "train"), rms(run, "validate")
    tell("A2 RMS error, training", f"{train:.3f} mV", "<= 1.45 mV", train <= 1.45)
    tell("A2 RMS error, validation", f"{held_out:.3f} mV", f"<= {1.5 * train:.3f} mV", held_out <= 1.5 * train)


def judge_l5ttpc(run: Run) -> None:
    history, best = run.history(), run.best_start()
    present = np.isfinite(run.best_losses())
    finite = bool(np.isfinite(history["loss"][:, present]).all()) and run.status().failures == []
    tell("A3 nothing becomes non-finite", "nothing did" if finite else "something did", "nothing", finite)
    candidate = float(np.nanmin(history["loss"][0]))
    ratio = float(run.best_losses()[best]) / candidate
    tell("A3 best training loss / best candidate's", f"{ratio:.3f}", "<= 0.6", ratio <= 0.6)
    both, cell = 0, 0
    for name, trace in run.traces().items():
        sweep = run.store.read_sweep(name)
        if sweep.attrs["use"] != "train":
            continue
        recorded, fitted = spikes(sweep["voltage"].data[0]), spikes(trace.sel(start=best).values[0])
        print(f"  {name}: {recorded} spikes recorded, {fitted} in the fit")
        cell += recorded > 0
        both += recorded > 0 and fitted > 0
    tell("A3 fires in", f"{both} of {cell}", "at least 5 of the 7 in which the cell did", both >= 5)


def spikes(v: np.ndarray) -> int:
    return int(np.sum((v[1:] > SPIKE_MV) & (v[:-1] <= SPIKE_MV)))


if __name__ == "__main__":
    sys.exit(main())
