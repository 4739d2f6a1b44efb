"""`rallax doctor`: what this machine has for a fit, and what is missing. The looking is in `..machine`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..console import print_json, print_table
from ..errors import FAILED
from . import CHECK
from ._options import Json


def register(app: typer.Typer) -> None:
    app.command("doctor", rich_help_panel=CHECK)(doctor)


def doctor(
    directory: Annotated[
        str, typer.Option("--directory", metavar="DIR", help="Where runs would be stored: its free space is shown.")
    ] = ".",
    json: Json = False,
) -> None:
    """Say what this machine has and lacks: Python, packages, devices, cores, memory, disk, Ray.

    Ends with 4 if something is missing.
    """
    from ..machine import findings

    found = findings(directory)
    if json:
        print_json([{"what": f.what, "found": f.found, "missing": f.missing} for f in found])
    else:
        print_table("This machine", ("what", "found", "missing"), [(f.what, f.found, f.missing) for f in found])
    if any(f.missing for f in found):
        raise typer.Exit(FAILED)
