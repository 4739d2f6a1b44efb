"""What a second worker brings, and what coordinator, Ray and storage cost: the layer-5 fit by the real command.

    python benchmarks/workers.py [--starts 64] [--steps 25] [--repeats 7] [--window MS] [--json FILE] [--quick]

The fit of l5pc_synthetic.py as a job (d_lambda 0.1, 20 parameters, one step of current, statistics of two windows,
float32; Ih is as dense in basal as in apical dendrites), done by `rallax run` with one worker and with two, on as many
cores. Counted is the phase of the optimiser's steps, from the first step of every block to the last step of all. The
throughput is steps of blocks per second of the clock. Where other programs use the cores, the clock says little: beside
it stand the processor's seconds of a step, in the workers and in everything else that the run started (coordinator with
storage, Ray's processes).

A machine's speed drifts by more than the bar leaves, so the two are run in turn, in pairs whose order alternates, and
the figure is the median of the pairs' ratios. The simulated window (ms) is, if it is not given, what makes a step take
half a second on this machine, by a short run before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _bar import tell
from _contest import cell_file, write_figures

from rallax.fitting.executors.ray_worker import RayWorker

#: Least throughput of two workers over that of one; most of the wall time that is not a worker's.
THROUGHPUT, OVERHEAD = 1.9, 0.03
#: What a step is to take, s; the window of the run that finds out how long it takes, and the least, ms.
STEP_SECONDS, FIRST_WINDOW, SHORTEST_WINDOW = 0.5, 6.0, 1.0
#: Seconds between two looks at the processes.
LOOK_EVERY = 2.0
TICKS = os.sysconf("SC_CLK_TCK")
#: How the title of a worker's process begins.
WORKER = f"ray::{RayWorker.__name__}".encode()

#: Of one run, or the medians of several.
Figures = dict[str, Any]

_JOB = """
name = "layer5"
[model]
morphology = "{morphology}"
discretization = {discretization}
{model}
{parameters}
[[sweeps]]
name = "step"
voltage = "target.csv"
stimulus = {{ kind = "step", delay_ms = 0.5, duration_ms = {duration}, amplitude_nA = 1.8 }}
[simulation]
v_init = -72.0
[loss]
terms = [{{ kind = "window_stats", windows_ms = [[0.0, {half}], [{half}, {window}]], mean_scale_mV = 2.0 }}]
[fit]
candidates = {starts}
starts = {starts}
steps = {steps}
optimizer = {{ name = "polyak", mu = 0.447, beta = 0.9 }}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=64)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=7, help="pairs of a run with one worker and one with two")
    parser.add_argument("--window", type=float, help="ms that are simulated")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="one pair, 4 starts, 60 steps, 1 ms, four mechanisms")
    arguments = parser.parse_args()
    starts, steps, repeats, window = arguments.starts, arguments.steps, arguments.repeats, arguments.window
    if arguments.quick:
        starts, steps, repeats, window = 4, 60, 1, 1.0
    every = 0.05 if arguments.quick else LOOK_EVERY
    pairs: list[dict[int, Figures]] = []
    with cell_file() as morphology, tempfile.TemporaryDirectory() as folder:
        # All runs find the programs that the first has compiled.
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "xla"), "JAX_PLATFORMS": "cpu"}

        def measured(workers: int, steps: int, window: float) -> Figures:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                job = _write_job(Path(place), morphology, starts, steps, window, arguments.quick)
                return _run(job, Path(place) / "run", workers, environment, every)

        if window is None:
            trial = measured(1, 5, FIRST_WINDOW)
            window = max(SHORTEST_WINDOW, round(2 * FIRST_WINDOW * STEP_SECONDS / trial["seconds_per_step"]) / 2)
        print(f"{window} ms simulated", flush=True)
        for k in range(repeats):
            order = (1, 2) if k % 2 == 0 else (2, 1)
            pairs.append({workers: measured(workers, steps, window) for workers in order})
            for workers in (1, 2):
                _print(pairs[-1][workers])
    one, two = (_medians([pair[workers] for pair in pairs]) for workers in (1, 2))
    speedup = _median([pair[2]["steps_per_second"] / pair[1]["steps_per_second"] for pair in pairs])
    tell("C9 throughput of two workers over one", f"{speedup:.2f}", f">= {THROUGHPUT}", speedup >= THROUGHPUT)
    work = _median([pair[1]["worker_seconds_per_step"] / pair[2]["worker_seconds_per_step"] for pair in pairs])
    print(f"of it: a worker's processor time per step, alone over beside another: {work:.3f}")
    bar = f"C9 not spent by the worker, {one['seconds_per_step']:.2f} s per step: part of the wall time"
    tell(bar, f"{one['idle']:.3f}", f"<= {OVERHEAD}", one["idle"] <= OVERHEAD)
    bar = "C9 coordinator, Ray and storage: their processor time over the workers'"
    tell(bar, f"{one['others_over_workers']:.3f}", f"<= {OVERHEAD}", one["others_over_workers"] <= OVERHEAD)
    figures = {"rows": [one, two], "speedup": speedup, "window_ms": window, "pairs": repeats}
    write_figures(arguments.json, "workers.py", figures)
    return 0


def _medians(runs: list[Figures]) -> Figures:
    return {key: _median([run[key] for run in runs]) for key in runs[0]}


def _median(values: list[Any]) -> Any:
    return type(values[0])(np.median(values))


def _write_job(folder: Path, morphology: Path, starts: int, steps: int, window: float, small: bool) -> Path:
    import _l5pc as problem

    regions = {"apical": ("Ih",), "soma": ("NaTs2_t", "SKv3_1"), "basal": ("Ih",)} if small else problem.REGIONS
    model = [_set("all", {"axial_resistivity": problem.AXIAL_RESISTIVITY, "pas_g": 3e-5, "pas_e": -75.0})]
    model += [_set(region, {"capacitance": value}) for region, value in problem.CAPACITANCE.items()]
    model += [_set(region, {"Ih_gbar": problem.IH_APICAL}) for region in ("apical", "basal")]
    model.append(_insert("all", "pas"))
    model += [_insert(region, name) for region, names in regions.items() for name in names]
    parameters = [
        f'[[parameters]]\nname = "{free.region}_{free.key}"\nregion = "{free.region}"\nparameter = "{free.key}"\n'
        f"bounds = [{free.lower}, {free.upper}]"
        for free in problem.FREE
        if free.mechanism in regions.get(free.region, ())
    ]
    # Any target does: the time of a step does not depend on it.
    times = np.arange(0.0, window + 1e-9, 0.1)
    lines = [f"{t:.2f},{-72.0 + 20.0 * np.sin(t):.3f}" for t in times]
    (folder / "target.csv").write_text("time (ms),voltage (mV)\n" + "\n".join(lines) + "\n")
    job = folder / "job.toml"
    numbers = {"window": window, "half": window / 2, "duration": max(0.5, window - 6.0)}
    tables = {"model": "\n".join(model), "parameters": "\n".join(parameters), "morphology": morphology}
    tables["discretization"] = "{ ncomp = 1 }" if small else "{ d_lambda = 0.1 }"
    job.write_text(_JOB.format(**tables, starts=starts, steps=steps, **numbers))
    return job


def _set(region: str, values: dict[str, float]) -> str:
    inside = ", ".join(f"{key} = {value}" for key, value in values.items())
    return f'[[model.set]]\nregion = "{region}"\nvalues = {{ {inside} }}'


def _insert(region: str, mechanism: str) -> str:
    return f'[[model.insert]]\nregion = "{region}"\nmechanism = "{mechanism}"'


def _run(job: Path, directory: Path, workers: int, environment: dict[str, str], every: float) -> Figures:
    """Run the fit and watch it: figures of the phase of its steps."""
    command = [sys.executable, "-m", "rallax.workflows.cli", "run", str(job), "--run", str(directory)]
    command += ["--set", f"compute.workers={workers}"]
    seen: list[tuple[float, int, float, float]] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        while process.poll() is None:
            mine, others = _processor_seconds(process.pid)
            seen.append((time.time(), len(_step_times(directory)), mine, others))
            # Seldom: to read through /proc takes a part of a core from those who are measured.
            time.sleep(every)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    times = _step_times(directory)
    blocks = 1 + max(block for _, block in times)
    # From when each block has done its first step (so that all is compiled) to the end of the last but one step: the
    # last ones may leave a worker without work.
    first, last = blocks - 1, len(times) - blocks
    begun, ended = times[first][0], times[last][0]
    at = [entry for entry in seen if begun <= entry[0] <= ended]
    if last <= first or len(at) < 2:
        raise RuntimeError("too few steps to be timed; give more --steps")
    clock, mine, others = at[-1][0] - at[0][0], at[-1][2] - at[0][2], at[-1][3] - at[0][3]
    # The slope of the count over the clock: workers end their steps at nearly the same moment, so that a count between
    # two moments would depend on whether all or one of them had just ended one.
    done = np.array([when for when, _ in times[first : last + 1]])
    rate = float(np.polyfit(done - done[0], np.arange(len(done)), 1)[0])
    return {
        "workers": workers,
        "blocks": blocks,
        "steps_per_second": rate,
        "seconds_per_step": workers / rate,
        "worker_seconds_per_step": mine / clock / rate,
        "idle": 1.0 - mine / clock / workers,
        "others_over_workers": others / mine,
    }


def _step_times(directory: Path) -> list[tuple[float, int]]:
    """(time, block) of the steps that a run's log tells."""
    log = directory / "log.jsonl"
    lines = log.read_text().splitlines() if log.is_file() else []
    entries = [json.loads(line) for line in lines if '"kind": "step"' in line and line.endswith("}")]
    return [(entry["time"], entry["block"]) for entry in entries]


def _processor_seconds(root: int) -> tuple[float, float]:
    """Seconds of the processor so far: of the workers below a process, and of that and all others below it."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    workers = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            name = (path / "cmdline").read_bytes()
        except OSError:
            continue
        pid = int(path.name)
        parents[pid], used[pid] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
        if name.startswith(WORKER):
            workers.add(pid)
    below, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        below, grown = below | more, bool(more)
    return sum(used[p] for p in below & workers), sum(used.get(p, 0.0) for p in below - workers)


def _print(row: Figures) -> None:
    print(
        f"{row['workers']} workers, {row['blocks']} blocks: {row['steps_per_second']:.3f} steps/s, "
        f"{row['seconds_per_step']:.2f} s per step of a worker ({row['worker_seconds_per_step']:.2f} s of its "
        f"processor), others {100 * row['others_over_workers']:.1f} % of the workers' processor time",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
