"""Arguments that the commands for submitted jobs share, and the way they end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DONE, StoppedEarly

if TYPE_CHECKING:
    from ..submission.ray_jobs import RayJobs

JobServer = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="URL",
        envvar="RAY_API_SERVER_ADDRESS",
        help="The job server of a Ray cluster: the address of the head's dashboard, http://HEAD:8265.",
        show_default=False,
        show_envvar=False,
    ),
]

#: The same for a command that does something else without it, whatever the environment says.
JobServerAsked = Annotated[
    str | None,
    typer.Option(
        "--address", metavar="URL", help="The job server of a Ray cluster, http://HEAD:8265.", show_default=False
    ),
]

JobId = Annotated[
    str, typer.Argument(metavar="ID", help="A submitted job, as submit has printed it.", show_default=False)
]


def write(text: str) -> None:
    """What a job has printed, as it comes."""
    sys.stdout.write(text)
    sys.stdout.flush()


def follow_to_end(jobs: RayJobs, job: str) -> None:
    """Print what it prints until it ends, and end as it does: its own exit code. Ctrl-C ends the printing only.

    Raises StoppedEarly where it was stopped and can go on.
    """
    try:
        state = jobs.follow(job, write)
    except KeyboardInterrupt:
        sys.stderr.write(f"{job} runs on\n")
        raise typer.Exit(DONE) from None
    if state.code == 3:
        raise StoppedEarly(f"{state.id} was stopped; go on with: {state.metadata.get('again', 'rallax submit RUN')}")
    if state.code:
        raise typer.Exit(state.code)
