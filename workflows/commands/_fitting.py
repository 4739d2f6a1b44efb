"""What `run` and `resume` share: stopping on signals, showing progress, the exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..console import print_json, print_lines
from ..errors import StoppedEarly, shown

if TYPE_CHECKING:
    from rallax.fitting import Progress, Report

    from ..run import Run

#: Kinds of reports that a person is shown as lines.
TOLD = (
    "starts chosen",
    "start frozen",
    "start given up",
    "start quarantined",
    "item failed",
    "worker lost",
    "worker hangs",
    "worker not started",
    "worker awaited",
    "device refused",
)


def coordinate_on_cpu() -> None:
    """Keep JAX of this process, the coordinator's, off the GPUs, which are the workers'. Call before JAX is loaded."""
    os.environ["JAX_PLATFORMS"] = "cpu"


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """A flag that Ctrl-C or SIGTERM sets; the second Ctrl-C interrupts at once."""
    asked = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.set()
        sys.stderr.write("stopping: a checkpoint is being committed\n")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Callable[[Progress, Report | None], None]]:
    """A progress display on a terminal, plain lines when piped, nothing with `quiet`."""
    if quiet:
        yield lambda progress, report: None
        return
    if not sys.stdout.isatty():
        yield _Lines().watch
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Display

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Display(*columns) as display:
        task = display.add_task("starting", total=1, told="")

        def watch(progress: Progress, report: Report | None) -> None:
            if report is not None:
                if report.kind in TOLD:
                    display.console.print(shown(report.message), highlight=False, markup=False)
                return
            drawing = progress.phase == "candidates"
            display.update(
                task,
                description="candidates" if drawing else "steps",
                completed=progress.candidates_done if drawing else progress.step,
                total=progress.candidates if drawing else progress.steps,
                told=_told(progress),
            )

        yield watch


class _Lines:
    """Plain lines: one when the candidates are done, one for each step."""

    def __init__(self) -> None:
        self._last = ""

    def watch(self, progress: Progress, report: Report | None) -> None:
        if report is not None:
            line = report.message if report.kind in TOLD else ""
        elif progress.phase == "candidates":
            line = "" if progress.workers else "starting workers"
        else:
            line = f"step {progress.step}/{progress.steps} {_told(progress)}"
        if line and line != self._last:
            self._last = line
            print_lines([line])
            sys.stdout.flush()


def _told(progress: Progress) -> str:
    parts = [f"best loss {progress.best_loss:.6g}"] if progress.best_loss == progress.best_loss else []
    parts.append(f"{progress.workers} worker{'' if progress.workers == 1 else 's'}")
    if progress.frozen or progress.quarantined:
        parts.append(f"{progress.frozen} frozen, {progress.quarantined} quarantined")
    return ", ".join(parts)


def tell_end(run: Run, json: bool) -> None:
    """Print how a run stands. Raises StoppedEarly when it is not finished."""
    status = run.status()
    if json:
        document: dict[str, Any] = {**vars(status), "report": run.place_of("report.html")}
        print_json(document)
    else:
        lines = [] if status.best_loss is None else [f"best loss {status.best_loss:.6g} (start {status.best_start})"]
        if status.validation_loss is not None:
            lines.append(f"validation loss {status.validation_loss:.6g}")
        lines += [f"{name} = {value:.6g}" for name, value in status.best_parameters.items()]
        lines += [f"{name} is at its {side} bound" for name, side in status.at_bounds.items()]
        print_lines([*lines, f"run {run.location}", f"report {run.place_of('report.html')}"])
    if status.state != "finished":
        raise StoppedEarly(f"stopped at step {status.step}; go on with: rallax resume {run.location}")
