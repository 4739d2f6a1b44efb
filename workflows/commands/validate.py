"""`rallax validate`: everything about a job that can be checked without running it. The checks are in `..check`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..console import print_json, print_lines, print_table
from ..errors import WRONG, JobError
from . import CHECK
from ._options import JobFile, Json, Overrides


def register(app: typer.Typer) -> None:
    app.command("validate", rich_help_panel=CHECK)(validate)


def validate(
    job: JobFile,
    set_: Overrides = None,
    time: Annotated[
        bool, typer.Option("--time", help="Run a few time steps to estimate how long the fit takes (compiles first).")
    ] = False,
    json: Json = False,
) -> None:
    """Check a job without running it: keys, files, units, names, bounds; and say how much work and memory it takes.

    Prints one line per fault (file: key: what is wrong; what would be right) and ends with 2 if there is any.
    """
    from ..job import load_job

    try:
        loaded = load_job(job, set_ or ())
        # Loaded once the file itself is right: these checks read recordings and load JAX.
        from ..check import check_job

        report = check_job(loaded)
    except JobError as error:
        if not json:
            raise
        faults = [{"file": fault.file, "key": fault.key, "message": fault.message} for fault in error.faults]
        print_json({"ok": False, "faults": faults})
        raise typer.Exit(WRONG) from None
    seconds = None
    if time:
        from ..estimate import measure_seconds

        seconds = measure_seconds(loaded, report.model, report.sweeps, report.work)
    if json:
        found = {"ok": True, "hash": report.resolved.hash, **report.as_dict()}
        print_json(found if seconds is None else {**found, "seconds": seconds})
        return
    print_table("Sweeps", ("sweep", "use", "window", "steps", "samples", "starts at"), report.sweep_rows())
    print_lines(report.work_lines())
    if seconds is not None:
        print_lines([f"time: about {seconds / 60:.2g} minutes with the workers of the job, compilation aside"])
    print_lines([f"{job}: nothing is wrong"])
