"""The jobs of a sweep: every combination of its axes, checked before any of them runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import Fault, JobError
from ..job import Job, load_job
from ..job.faults import faults_of
from ..job.load import read_toml
from ..job.overrides import as_override
from .table import JobSweep


@dataclass(frozen=True)
class Member:
    """One job of a sweep.

    Attributes
    ----------
    name : of its run, its values joined by "-"
    values : axis -> name of its value
    overrides : its changes of the base job, as `--set` takes them
    run : where its run is
    job : the changed job
    """

    name: str
    values: dict[str, str]
    overrides: tuple[str, ...]
    run: str
    job: Job


@dataclass(frozen=True)
class LoadedSweep:
    """A sweep that is right in every respect: its table, the base job's file, where its logs are, and its jobs."""

    table: JobSweep
    job_file: Path
    logs: Path
    members: tuple[Member, ...]


def load_sweep(path: str | Path) -> LoadedSweep:
    """Read SWEEP.toml and every job that it stands for.

    Raises
    ------
    JobError : with every fault of the file and of its jobs, one line each; a fault that several jobs share comes once
    """
    file = str(path)
    document = read_toml(file)
    try:
        table = JobSweep.model_validate(document)
    except ValidationError as error:
        raise JobError([Fault(file, key, message) for key, message in faults_of(error, document)]) from None
    folder = Path(file).absolute().parent
    job_file = folder / table.job
    runs = table.runs or f"runs/{table.name}"
    place = runs if "://" in runs else str(folder / runs)
    logs = folder / f"{table.name}-logs" if "://" in runs else Path(place)
    found = list(_members(table, file, job_file, place))
    return LoadedSweep(table, job_file, logs, tuple(found))


def _members(table: JobSweep, file: str, job_file: Path, place: str) -> Iterator[Member]:
    faults: dict[str, Fault] = {}
    members: dict[str, Member] = {}
    for combination in itertools.product(*(axis.options() for axis in table.axes)):
        values = {axis.name: name for axis, (name, _) in zip(table.axes, combination, strict=True)}
        name = "-".join(values.values())
        changes: dict[str, Any] = dict(table.set)
        for axis, (_, own) in zip(table.axes, combination, strict=True):
            if twice := next((key for key in own if key in changes and key not in table.set), None):
                message = f"changes {twice}, as another axis does; one of them would have no effect"
                faults.setdefault(message, Fault(file, f"axes {axis.name}", message))
            changes |= own
        if name in members:
            message = f"two combinations are named {name!r}; name their values by choices"
            faults.setdefault(message, Fault(file, "axes", message))
        overrides = tuple(as_override(key, value) for key, value in changes.items())
        try:
            job = load_job(job_file, overrides, run=False)
        except JobError as error:
            for fault in error.faults:
                message = f"{fault.message} (job {name})"
                faults.setdefault(f"{fault.key} {fault.message}", Fault(file, fault.key or table.job, message))
            continue
        members[name] = Member(name, values, overrides, f"{place}/{name}", job)
    if faults:
        raise JobError(faults.values())
    yield from members.values()
