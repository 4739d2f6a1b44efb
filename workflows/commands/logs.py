"""`rallax logs`: what a submitted job prints."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import DONE
from . import CLUSTER
from ._cluster import JobId, JobServer, tell_over


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
        _write(jobs.log(job))
        return
    try:
        state = jobs.follow(job, _write)
    except KeyboardInterrupt:
        sys.stderr.write(f"{job} runs on\n")
        raise typer.Exit(DONE) from None
    tell_over(state)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
