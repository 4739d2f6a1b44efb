"""Making a run: everything about the job is checked and decided, then the directory appears, whole."""

from __future__ import annotations

import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from rallax.storage import Group, ParameterTable, RunStore, Store, Variable

from .check import check_job
from .errors import UserError
from .files import Unreadable, read_plain
from .job import Job
from .limits import JOB_BYTES
from .loggers import directory_of
from .problem import group_sweeps
from .resolve import ResolvedJob
from .sweeps import PreparedSweep

#: Whose versions a run records.
PACKAGES = ("rallax", "jax", "jaxlib", "numpy", "optax", "ray", "zarr", "morphio", "equinox")


def create_run(job: Job, place: Path | str | Store) -> RunStore:
    """Check a job and make its run.

    Raises:
        JobError: every fault of the job, a line each; nothing is made.
        UserError: its loggers have no place to write; nothing is made.
        StorageError: a run is there already, or the place cannot be written; nothing is left.
    """
    directory_of(job, str(place) if isinstance(place, str | Path) else place.location)
    report = check_job(job)
    groups = group_sweeps(job, report.sweeps)
    resolved = report.resolved.with_settings(**report.settings.to_dict())
    space = job.parameters
    return RunStore.create(
        place,
        attributes={
            "name": job.name,
            "job_hash": resolved.hash,
            "seed": job.fit.seed,
            "precision": job.simulation.precision,
            "sweeps": [sweep.name for group in groups for sweep in group],
            "device": "gpu" if job.compute.gpus_per_worker else "cpu",
            "versions": versions(),
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        },
        files={"job.toml": _job_text(job), "resolved.json": resolved.to_json().encode()},
        sweeps={sweep.name: sweep_group(sweep) for sweep in report.sweeps},
        parameters=ParameterTable(
            names=tuple(p.name for p in space),
            lower=np.array([p.bounds[0] for p in space]),
            upper=np.array([p.bounds[1] for p in space]),
            units=tuple(unit_of(p.parameter) for p in space),
            transforms=tuple(p.transform for p in space),
        ),
    )


def sweep_group(sweep: PreparedSweep) -> Group:
    """A prepared sweep as it is stored: voltage(site, time), current(step_time), both with their times in ms."""
    variables = {
        "time": Variable(sweep.time_ms, ("time",), "ms"),
        "voltage": Variable(sweep.voltage_mV[None, :], ("site", "time"), "mV"),
    }
    if sweep.stimulus_nA is not None:
        steps = sweep.start_ms + sweep.delta_t_ms * np.arange(sweep.n_steps)
        variables["step_time"] = Variable(steps, ("step_time",), "ms")
        variables["current"] = Variable(sweep.stimulus_nA, ("step_time",), "nA")
    attrs: dict[str, Any] = {
        "use": sweep.use,
        "weight": sweep.weight,
        "site": sweep.site.model_dump(exclude_none=True),
        "v_init_mV": sweep.v_init_mV,
        "delta_t_ms": sweep.delta_t_ms,
        "window_ms": list(sweep.window_ms),
    }
    return Group(variables, attrs)


def versions() -> dict[str, str]:
    """Versions of the packages that a result depends on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def unit_of(parameter: str | None) -> str:
    """The unit of a model parameter by its name; "" where the name does not tell."""
    if parameter is None:
        return ""
    fixed = {"axial_resistivity": "Ohm cm", "capacitance": "uF/cm^2", "length": "um", "radius": "um", "v": "mV"}
    if parameter in fixed:
        return fixed[parameter]
    last = parameter.rpartition("_")[2]
    if last == "gS":  # of a synapse: uS or nA, which its kind says and not the name
        return ""
    if last in ("gbar", "g") or (last.startswith("g") and last[1:2].isupper()):
        return "S/cm^2"
    if (
        last in ("e", "ehcn")
        or parameter in ("eNa", "eK", "eCa")
        or (last.startswith(("vshift", "e")) and "_" in parameter)
    ):
        return "mV"
    return {"decay": "ms", "depth": "um"}.get(last, "")


def _job_text(job: Job) -> bytes:
    """The job file as its user wrote it; for people, since resolved.json is what a resume reads."""
    path = Path(job.source) if job.source else None
    if path is None or not path.is_file():
        return b"# This job was made in Python; resolved.json holds all of it.\n"
    try:
        return read_plain(path, JOB_BYTES)
    except Unreadable as error:
        raise UserError(f"{path}: {error}") from None


def resolved_of(store: RunStore) -> ResolvedJob:
    """The resolved job of a run. Raises UserError where it is damaged."""
    text = store.read_file("resolved.json").decode("utf-8", errors="replace")
    return ResolvedJob.from_json(text, f"{store.location}/resolved.json")
