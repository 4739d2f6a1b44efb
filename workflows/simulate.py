"""Forward only: what a job's model does at given parameters, or at those that a run has found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .errors import UserError
from .job import Job
from .model import theta_of
from .problem import JobProblem, group_sweeps
from .settings import Settings
from .sweeps import prepare_sweeps


def simulate_job(job: Job, parameters: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Sweep -> voltage in mV at the recording's samples, for one set of parameters (by name, in physical units).

    Raises:
        JobError: faults of the job.
        UserError: a parameter is missing, unknown or beyond its bounds.
    """
    return {name: v[0, 0] for name, v in simulate_starts(job, theta_of(job, dict(parameters))[None]).items()}


def simulate_starts(job: Job, theta: np.ndarray) -> dict[str, np.ndarray]:
    """Sweep -> voltage (start, site, sample) in mV for several sets of parameters (start, parameter)."""
    import jax

    sizes = [len(g) for g in group_sweeps(job, prepare_sweeps(job))]
    with jax.enable_x64(job.simulation.precision == "float64"):
        problem = JobProblem(job, Settings.choose(len(theta), sizes))
        try:
            u = problem.space.to_u(theta)
        except ValueError as error:
            raise UserError(str(error)) from None
        return {
            name: found[:, i]
            for k, group in enumerate(problem.groups)
            for found in [problem.traces(k, u, np.arange(len(group)))]
            for i, name in enumerate(group.sweeps)
        }


def write_zarr(path: str | Path, job: Job, starts: list[int], traces: Mapping[str, np.ndarray]) -> Path:
    """Write simulated traces as a zarr v3 group that xarray opens: SWEEP/voltage(start, site, time), time in ms.

    Raises:
        UserError: something is there already.
    """
    import zarr

    target = Path(path)
    if target.exists():
        raise UserError(f"{target}: is there already; name a new one")
    times = {sweep.name: sweep.time_ms for sweep in prepare_sweeps(job)}
    root = zarr.create_group(str(target), zarr_format=3, attributes={"name": job.name})
    for name, voltage in traces.items():
        group = root.create_group(name)
        for key, data, dims, units in (
            ("voltage", voltage, ("start", "site", "time"), "mV"),
            ("time", times[name], ("time",), "ms"),
            ("start", np.asarray(starts, np.int64), ("start",), ""),
        ):
            array = group.create_array(key, data=data, dimension_names=dims)
            array.attrs["units"] = units
    return target
