"""`rallax logs`: what a submitted job prints."""

from __future__ import annotations

from typing import Annotated

import typer

from . import CLUSTER
from ._cluster import JobId, JobServer, follow_to_end, write


def register(app: typer.Typer) -> None:
    app.command("logs", rich_help_panel=CLUSTER)(logs)


def logs(
    job: JobId,
    address: JobServer = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job ends, and end with its exit code.")
    ] = False,
) -> None:
    """Print what a submitted job has printed. Ctrl-C ends the printing, not the job."""
    from ..submission.ray_jobs import RayJobs

    jobs = RayJobs(address)
    if not follow:
        write(jobs.log(job))
        return
    follow_to_end(jobs, job)
