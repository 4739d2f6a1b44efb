"""`rallax resume`: continue a run."""

from __future__ import annotations

from typing import Annotated

import typer

from . import FIT
from ._fitting import coordinate_on_cpu, shown_progress, stop_on_signals, tell_end
from ._options import Address, Files, Json, RunDirectory


def register(app: typer.Typer) -> None:
    app.command("resume", rich_help_panel=FIT)(resume)


def resume(
    run: RunDirectory,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=0, metavar="N", help="Steps in all, to extend a finished run.", show_default=False),
    ] = None,
    files: Files = None,
    address: Address = None,
    json: Json = False,
) -> None:
    """Continue a run from its last committed checkpoint; ends exactly as if it had never been interrupted."""
    coordinate_on_cpu()
    from ..run_fit import resume as go_on

    with stop_on_signals() as should_stop, shown_progress(json) as watch:
        found = go_on(run, steps=steps, files=files, address=address, should_stop=should_stop, watch=watch)
    tell_end(found, json)
