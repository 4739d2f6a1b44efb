"""`rallax simulate`: forward only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import print_json, print_table
from ..errors import UserError
from ..location import is_run
from . import LOOK
from ._options import Files, Json, Overrides


def register(app: typer.Typer) -> None:
    app.command("simulate", rich_help_panel=LOOK)(simulate)


def simulate(
    what: Annotated[str, typer.Argument(metavar="JOB|RUN", help="A run, or a job file.", show_default=False)],
    start: Annotated[
        str, typer.Option("--start", metavar="best|N", help="Which start of a run; of a job, which candidate.")
    ] = "best",
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter's value instead.", show_default=False),
    ] = None,
    set_: Overrides = None,
    files: Files = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE.zarr", help="Write the traces there.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Simulate every sweep without fitting and print its RMS error in mV.

    A run gives the parameters of its best start (or start N); a job those of its first candidate (or candidate N).
    """
    import jax.numpy as jnp
    import numpy as np

    from rallax.storage import is_remote

    from ..job import load_job

    if out is not None and (is_remote(out) or Path(out).exists()):
        raise UserError(f"--out {out}: give a new directory on this machine")
    if is_run(what):
        if set_:
            raise UserError("--set goes with a job file; a run's job stays as it was")
        from ..run import Run

        run = Run.open(what)
        resolved = run.resolved if files is None else run.resolved.in_folder(files)
        resolved.verify()
        job = resolved.job
        number = run.best_start() if start == "best" else _number(start, job.fit.starts)
        if not np.isfinite(run.best_losses()[number]):
            raise UserError(f"--start {number}: has no finite loss in this run; give another, or best")
        theta = run.parameters()[number].copy()
    else:
        if files is not None:
            raise UserError("--files goes with a run; a job's files are relative to its own folder")
        from ..problem import space_of

        job = load_job(what, set_ or (), run=False)
        number = 0 if start == "best" else _number(start, job.fit.candidates)
        space = space_of(job)
        theta = np.asarray(space.to_theta(jnp.asarray(space.draw(job.fit.seed, 1, first=number))))[0].astype(float)
    names = [p.name for p in job.parameters]
    for text in parameters or ():
        name, equals, value = text.partition("=")
        if not equals or name not in names:
            raise UserError(f"--parameter {text}: give NAME=VALUE with a name of the job: {', '.join(names)}")
        try:
            theta[names.index(name)] = float(value)
        except ValueError:
            raise UserError(f"--parameter {text}: {value!r} is no number") from None
    from ..simulate import simulate_starts, write_zarr
    from ..sweeps import prepare_sweeps

    traces = simulate_starts(job, theta[None])
    errors = {
        sweep.name: float(np.sqrt(np.mean((traces[sweep.name][0, 0] - sweep.voltage_mV) ** 2)))
        for sweep in prepare_sweeps(job)
    }
    if out is not None:
        write_zarr(out, job, [number], traces)
    if json:
        values = {name: float(value) for name, value in zip(names, theta, strict=True)}
        print_json({"parameters": values, "rms_error_mV": errors, "out": out})
        return
    print_table("RMS error", ("sweep", "mV"), [(name, f"{error:.3f}") for name, error in errors.items()])


def _number(text: str, count: int) -> int:
    if not text.isdigit() or int(text) >= count:
        raise UserError(f'--start {text}: give "best" or a number from 0 to {count - 1}')
    return int(text)
