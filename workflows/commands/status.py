"""`rallax status` and `rallax list`: how runs stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..console import print_json, print_lines, print_table
from ..errors import UserError
from . import LOOK
from ._options import Json, RunDirectory

if TYPE_CHECKING:
    from ..run import Status


def register(app: typer.Typer) -> None:
    app.command("status", rich_help_panel=LOOK)(status)
    app.command("list", rich_help_panel=LOOK)(list_)


def status(run: RunDirectory, json: Json = False) -> None:
    """Say how far a run is, its best loss and parameters, parameters at a bound, failures. Works while it runs."""
    from ..run import Run

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
    json: Json = False,
) -> None:
    """List the runs of a directory or of a remote prefix."""
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


def _bound(found: Status, name: str) -> str:
    side = found.at_bounds.get(name)
    return f"  (at its {side} bound)" if side else ""
