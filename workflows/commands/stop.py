"""`rallax stop`: end a submitted job so that it can go on later."""

from __future__ import annotations

import typer

from ..console import print_json, print_lines
from ..errors import FAILED
from . import CLUSTER
from ._cluster import JobId, JobServer
from ._options import Json


def register(app: typer.Typer) -> None:
    app.command("stop", rich_help_panel=CLUSTER)(stop)


def stop(job: JobId, address: JobServer = None, json: Json = False) -> None:
    """Ask a submitted job to commit a checkpoint and end, and wait until it has."""
    from ..submission.ray_jobs import STOP_SECONDS, RayJobs

    state = RayJobs(address).stop(job)
    again = state.metadata.get("again", "")
    if json:
        print_json({"id": state.id, "status": state.status, "run": state.metadata.get("run"), "again": again})
    elif state.status == "STOPPED":
        print_lines([f"{job} has stopped; go on with: {again}"])
    elif state.over:
        print_lines([f"{job} had ended before: {state.status}"])
    else:
        print_lines([f"{job} has not ended within {STOP_SECONDS} s; see: rallax logs {job}"])
    if not state.over:
        raise typer.Exit(FAILED)
