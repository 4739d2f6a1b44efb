"""`rallax validate`: everything about a job that can be checked without running it. The checks are in `..check`."""

from __future__ import annotations

import typer

from ..console import print_json, print_lines, print_table
from ..errors import WRONG, JobError
from . import CHECK
from ._options import JobFile, Json, Overrides


def register(app: typer.Typer) -> None:
    app.command("validate", rich_help_panel=CHECK)(validate)


def validate(job: JobFile, set_: Overrides = None, json: Json = False) -> None:
    """Check a job without running it: keys, files, units, names, bounds; and say how much work it is.

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
    if json:
        print_json({"ok": True, "hash": report.resolved.hash, **report.as_dict()})
        return
    print_table("Sweeps", ("sweep", "use", "window", "steps", "samples", "starts at"), report.sweep_rows())
    print_lines(report.work_lines())
    print_lines([f"{job}: nothing is wrong"])
