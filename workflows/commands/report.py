"""`rallax report`: write a run's report anew."""

from __future__ import annotations

import typer

from ..console import print_lines
from . import LOOK
from ._options import RunDirectory


def register(app: typer.Typer) -> None:
    app.command("report", rich_help_panel=LOOK)(report)


def report(run: RunDirectory) -> None:
    """Write report.html of a run, one self-contained file, and print its path."""
    from ..run import Run

    print_lines([str(Run.open(run).write_report())])
