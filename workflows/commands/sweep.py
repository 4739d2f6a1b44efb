"""`rallax sweep`: many jobs from one. The jobs and their running are in `..job_sweep`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import print_json, print_lines, print_table
from ..errors import FAILED, StoppedEarly, UserError, shown
from . import FIT
from ._fitting import coordinate_on_cpu, stop_on_signals
from ._options import Address, Json

if TYPE_CHECKING:
    from ..job_sweep.execute import Standing


def register(app: typer.Typer) -> None:
    app.command("sweep", rich_help_panel=FIT)(sweep)


def sweep(
    file: Annotated[str, typer.Argument(metavar="SWEEP", help="The sweep's file (TOML).", show_default=False)],
    at_once: Annotated[
        int | None,
        typer.Option(
            "--at-once", min=1, metavar="N", help="Jobs side by side. [default: as it says]", show_default=False
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Check every job and list them; run nothing.")] = False,
    address: Address = None,
    json: Json = False,
) -> None:
    """Fit many jobs (cells, losses, settings) on one cluster, each its own run.

    Run it again to go on: finished runs are left as they are, the others are resumed. One that fails stops no other.
    Ctrl-C and SIGTERM commit all that are running and end with 3.
    """
    if address is not None and "://" in address:
        raise UserError(
            f"--address {address}: a sweep joins the cluster itself; run it on the head with --address auto, "
            "or submit its jobs one by one"
        )
    coordinate_on_cpu()
    from ..job_sweep import load_sweep

    loaded = load_sweep(file)
    if check and json:
        jobs_of = [{"job": m.name, "run": m.run, "values": m.values, "changes": m.overrides} for m in loaded.members]
        print_json({"jobs": jobs_of})
        return
    if check:
        print_table("", ("job", "run", "changes"), [(m.name, m.run, " ".join(m.overrides)) for m in loaded.members])
        return
    from ..cluster import connected, own_address
    from ..job_sweep.execute import run_sweep

    jobs = at_once or loaded.table.at_once
    with (
        stop_on_signals() as should_stop,
        connected(loaded.members[0].job, address, jobs=jobs),
        _shown(json) as watch,
    ):
        standings = run_sweep(loaded, own_address(), at_once=jobs, should_stop=should_stop, watch=watch)
    if json:
        print_json([_plain(s) for s in standings])
    elif not sys.stdout.isatty():
        print_lines("\t".join(row) for row in map(_row, standings))
    states = [s.state for s in standings]
    if "failed" in states:
        if not json:
            sys.stderr.write(
                f"{states.count('failed')} of {len(states)} jobs failed; their logs are in {loaded.logs}\n"
            )
        raise typer.Exit(FAILED)
    if any(state != "finished" for state in states):
        raise StoppedEarly(
            f"{states.count('finished')} of {len(states)} jobs are done; go on with: rallax sweep {file}"
        )


COLUMNS = ("job", "state", "step", "best loss", "validation", "minutes", "")


def _row(s: Standing) -> tuple[str, ...]:
    return (
        s.member.name,
        s.state,
        f"{s.step}/{s.steps}",
        "" if s.best_loss is None else f"{s.best_loss:.6g}",
        "" if s.validation_loss is None else f"{s.validation_loss:.6g}",
        "" if s.seconds is None else f"{s.seconds / 60:.1f}",
        s.said,
    )


def _plain(s: Standing) -> dict[str, Any]:
    facts = {key: value for key, value in vars(s).items() if key != "member"}
    return {"job": s.member.name, "values": s.member.values, "run": s.member.run, **facts}


@contextmanager
def _shown(quiet: bool) -> Iterator[Callable[[Sequence[Standing]], None]]:
    """The table as it changes on a terminal; when piped a line for each change of state."""
    if quiet:
        yield lambda standings: None
        return
    if not sys.stdout.isatty():
        told: dict[str, str] = {}

        def tell(standings: Sequence[Standing]) -> None:
            for s in standings:
                if told.get(s.member.name, "waiting") != s.state:
                    told[s.member.name] = s.state
                    print_lines([f"{s.member.name} {s.state}" + (f": {s.said}" if s.said else "")])
            sys.stdout.flush()

        yield tell
        return
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    with Live(refresh_per_second=2) as live:

        def show(standings: Sequence[Standing]) -> None:
            table = Table(header_style="dim", box=None)
            for column in COLUMNS:
                table.add_column(column, overflow="fold")
            for s in standings:
                table.add_row(*(Text(shown(cell)) for cell in _row(s)))
            live.update(table)

        yield show
