"""`rallax run`: fit a job in a new run."""

from __future__ import annotations

from typing import Annotated

import typer

from . import FIT
from ._fitting import coordinate_on_cpu, shown_progress, stop_on_signals, tell_end
from ._options import Address, JobFile, Json, Overrides


def register(app: typer.Typer) -> None:
    app.command("run", rich_help_panel=FIT)(run)


def run(
    job: JobFile,
    set_: Overrides = None,
    directory: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="DIR",
            help="Where to write the run: a directory, s3://…, gs://… [default: as the job says]",
        ),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--resume", help="If the run is there already and of this very job, go on with it.")
    ] = False,
    address: Address = None,
    json: Json = False,
) -> None:
    """Fit a job: candidates, starts, steps; write the run and its report.

    Starts Ray on this machine unless an address is given. Ctrl-C and SIGTERM commit a checkpoint and end with 3; the
    run can then be resumed.
    """
    coordinate_on_cpu()
    from ..job import load_job

    loaded = load_job(job, set_ or (), run=directory is None)
    from ..run_fit import fit

    with stop_on_signals() as should_stop, shown_progress(json) as watch:
        found = fit(
            loaded,
            directory,
            go_on=go_on,
            address=address,
            should_stop=should_stop,
            watch=watch,
        )
    tell_end(found, json)
