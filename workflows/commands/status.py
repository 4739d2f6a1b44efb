"""`rallax status` and `rallax list`: how runs and submitted jobs stand."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import print_json, print_lines, print_table
from ..errors import DONE, UserError
from ..location import is_run
from . import LOOK
from ._cluster import JobServer, JobServerAsked
from ._options import Json

if TYPE_CHECKING:
    from ..run import Run, Status


def register(app: typer.Typer) -> None:
    app.command("status", rich_help_panel=LOOK)(status)
    app.command("list", rich_help_panel=LOOK)(list_)


def status(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|ID", help="A run, or with --address the id of a submitted job.", show_default=False
        ),
    ],
    address: JobServer = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show it as it goes, until it ends: steps, losses, pace, time left.")
    ] = False,
    json: Json = False,
) -> None:
    """Say how far a run is, its best loss and parameters, parameters at a bound, failures. Works while it runs."""
    if follow and json:
        raise UserError("--json: does not go with --follow; ask again and again instead")
    if address is not None and not is_run(run):
        if follow:
            raise UserError(f"--follow: goes with a run; for a submitted job: rallax logs {run} --follow")
        _submitted(run, address, json)
        return
    from ..run import Run

    if follow:
        _follow(Run.open(run))
        return
    found = Run.open(run).status()
    if json:
        print_json(vars(found))
        return
    rows = [
        ("name", found.name),
        ("state", found.state),
        ("step", f"{found.step} of {found.steps}"),
        ("best loss", "" if found.best_loss is None else f"{found.best_loss:.6g} (start {found.best_start})"),
        ("validation loss", "" if found.validation_loss is None else f"{found.validation_loss:.6g}"),
        *((name, f"{value:.6g}{_bound(found, name)}") for name, value in found.best_parameters.items()),
        ("failures", str(len(found.failures))),
        ("last checkpoint", "none" if found.checkpoint is None else str(found.checkpoint)),
    ]
    print_table("", ("what", "value"), rows)
    print_lines(found.failures[-10:])


def list_(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="A directory that holds runs, or s3://…, gs://…")
    ] = ".",
    address: JobServerAsked = None,
    json: Json = False,
) -> None:
    """List the runs of a directory or of a remote prefix, or with --address the jobs submitted to a cluster."""
    if address is not None:
        _list_submitted(address, json)
        return
    from rallax.storage import StorageError, runs_in

    from ..run import Run

    found, broken = [], []
    for path in runs_in(directory):
        try:
            found.append(Run.open(path).status())
        except (StorageError, UserError) as error:
            broken.append(str(error))
    if json:
        print_json({"runs": [vars(s) for s in found], "unreadable": broken})
        return
    rows = [
        (s.directory, s.name, s.state, f"{s.step}/{s.steps}", "" if s.best_loss is None else f"{s.best_loss:.6g}")
        for s in found
    ]
    print_table("", ("run", "name", "state", "step", "best loss"), rows)
    print_lines(broken)


def _follow(run: Run) -> None:
    from ._follow import follow

    try:
        code = follow(run)
    except KeyboardInterrupt:
        # Only the looking ends.
        raise typer.Exit(DONE) from None
    raise typer.Exit(code)


def _submitted(job: str, address: str, json: bool) -> None:
    """A submitted job: Ray's word, and the last that the job itself has said."""
    from ..submission.ray_jobs import RayJobs

    jobs = RayJobs(address)
    state = jobs.state(job)
    said = [line for line in jobs.log(job).splitlines() if line.strip()]
    if json:
        print_json({**vars(state), "last_line": said[-1] if said else None})
        return
    rows = [
        ("job", state.id),
        ("state", state.status),
        ("run", state.metadata.get("run", "")),
        ("started", _clock(state.started)),
        ("ended", _clock(state.ended)),
        ("it says", said[-1] if said else ""),
        *([("go on with", state.metadata.get("again", ""))] if state.over and state.code else []),
    ]
    print_table("", ("what", "value"), rows)


def _list_submitted(address: str, json: bool) -> None:
    from ..submission.ray_jobs import RayJobs

    states = RayJobs(address).states()
    if json:
        print_json([vars(state) for state in states])
        return
    rows = [(s.id, s.status, _clock(s.started), s.metadata.get("cell", ""), s.metadata.get("run", "")) for s in states]
    print_table("", ("job", "state", "started", "cell", "run"), rows)


def _clock(seconds: float | None) -> str:
    """A time of day here."""
    return "" if seconds is None else datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _bound(found: Status, name: str) -> str:
    side = found.at_bounds.get(name)
    return f"  (at its {side} bound)" if side else ""
