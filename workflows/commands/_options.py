"""Arguments and options that several commands share, with their help."""

from __future__ import annotations

from typing import Annotated

import typer

JobFile = Annotated[str, typer.Argument(metavar="JOB", help="The job file (TOML).", show_default=False)]

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help='Change one value of the job: fit.steps=10, "sweeps[0].weight=2.0". May be given several times.',
        show_default=False,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]

RunDirectory = Annotated[
    str, typer.Argument(metavar="RUN", help="The directory of a run, or s3://…, gs://…", show_default=False)
]

Files = Annotated[
    str | None,
    typer.Option(
        "--files",
        metavar="DIR",
        help="The folder that the job's file names are relative to, if they have moved. [default: as it was]",
        show_default=False,
    ),
]

Address = Annotated[
    str | None,
    typer.Option(
        "--address", metavar="A", help="A Ray cluster; without it Ray starts on this machine.", show_default=False
    ),
]
