"""Workflows: the job file, the command line, and everything between a job and its report.

    from rallax.workflows import Run, fit, load_job

    run = fit(load_job("job.toml"))
    run.best()                      # parameters of the best start
    Run.open("runs/cell").traces()  # sweep -> xarray (start, site, time)

What needs JAX or Ray is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import Job, load_job, make_job
    from .run import Run
    from .run_fit import fit, resume
    from .simulate import simulate_job

__all__ = ["Job", "Run", "fit", "load_job", "make_job", "resume", "simulate_job"]

_HOME = {
    "Job": "job",
    "Run": "run",
    "fit": "run_fit",
    "load_job": "job",
    "make_job": "job",
    "resume": "run_fit",
    "simulate_job": "simulate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rallax.workflows' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
