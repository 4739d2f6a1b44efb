"""`rallax submit`: a job or a run to a Ray cluster. The submitting is in `..submission`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..console import print_json, print_lines
from ..errors import UserError
from ..location import is_run
from . import CLUSTER
from ._cluster import JobServer, follow_to_end
from ._options import Files, Json, Overrides


def register(app: typer.Typer) -> None:
    app.command("submit", rich_help_panel=CLUSTER)(submit)


def submit(
    what: Annotated[
        str, typer.Argument(metavar="JOB|RUN", help="A job file, or a run to go on with.", show_default=False)
    ],
    address: JobServer = None,
    set_: Overrides = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="PLACE",
            help="Where the cluster writes the run: an absolute directory that its nodes share, or s3://BUCKET/PREFIX. "
            "A relative one lies below ~/rallax on the head. [default: as the job says]",
            show_default=False,
        ),
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--resume", help="If the run is there already and of this very job, go on with it.")
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=0, metavar="N", help="Of a run: steps in all, to extend it.", show_default=False),
    ] = None,
    files: Files = None,
    python: Annotated[
        str, typer.Option("--python", metavar="PATH", help="The Python of the head that has what rallax needs.")
    ] = "python",
    environment: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            metavar="NAME=VALUE",
            help="A variable for the job and its workers. The dashboard shows it: no secrets.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print its log until it ends, and end as it does.")] = False,
    json: Json = False,
) -> None:
    """Submit a fit to a Ray cluster through its Jobs API and print the job's id.

    What travels is rallax itself and the files that the job names by relative names. A file with an absolute name stays
    at home: every node must have it there.
    """
    from ..submission.submit import Terms, submit_job, submit_run

    if follow and json:
        raise UserError("--json: does not go with --follow; leave one of them out")
    terms = Terms(python=python, environment=_variables(environment or ()))
    if is_run(what):
        refused = {"--set": set_, "--run": run, "--resume": go_on}
        if wrong := next((option for option, value in refused.items() if value), None):
            raise UserError(f"{wrong}: goes with a job file, and {what} is a run, which goes on as it was made")
    elif not Path(what).exists() and Path(what).suffix != ".toml":
        raise UserError(
            f"{what}: is neither a job file nor a run here; where only the cluster sees a run, "
            f"submit its job with --resume --run {what}"
        )
    elif steps is not None:
        raise UserError(f"--steps: goes with a run, and {what} is a job file; write --set fit.steps={steps}")
    elif files is not None:
        raise UserError(f"--files: goes with a run; the files of {what} are relative to its own folder")
    from ..submission.ray_jobs import RayJobs

    jobs = RayJobs(address)
    if is_run(what):
        found = submit_run(jobs, what, steps=steps, files=files, terms=terms)
    else:
        found = submit_job(jobs, what, set_ or (), run=run, go_on=go_on, terms=terms)
    if json:
        print_json(vars(found))
        return
    print_lines([found.id])
    # On standard error, so that the id can be taken from standard output.
    sys.stderr.write(
        f"run {found.run}; {len(found.files)} files of the job sent, {found.bytes / 2**20:.1f} MiB in all\n"
    )
    for name in found.left:
        sys.stderr.write(f"not sent, must be on every node: {name}\n")
    if follow:
        sys.stdout.flush()
        follow_to_end(jobs, found.id)


def _variables(texts: list[str] | tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(f"--env {text}: is no variable; write it as NAME=VALUE")
        found[name] = value
    return found
