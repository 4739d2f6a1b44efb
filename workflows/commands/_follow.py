"""`rallax status --follow`: a run as it goes, until it ends. The reckoning is in `..course`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..console import print_lines
from ..course import Course, course_of, words_of
from ..dots import curves
from ..errors import FAILED, StoppedEarly, as_written

if TYPE_CHECKING:
    from ..run import Run

_LOOK_EVERY = 1.0
_SILENCE = 120.0


def follow(run: Run) -> int:
    """Show it until it ends; the exit code. Raises StoppedEarly where it was stopped."""
    with _shown(run.store.attributes["name"]) as show:
        while True:
            began = time.monotonic()
            course = look(run)
            show(course)
            if course.state in ("finished", "stopped", "failed"):
                break
            # A long log takes long to read: that must not become a load.
            time.sleep(max(_LOOK_EVERY, 10 * (time.monotonic() - began)))
    if course.state == "stopped":
        raise StoppedEarly(f"stopped at step {course.step}; go on with: rallax resume {run.store.location}")
    return FAILED if course.state == "failed" else 0


def look(run: Run) -> Course:
    """How it goes now."""
    from ..run import FAILURES
    from ..settings import Settings

    starts = run.resolved.job.fit.starts
    each = Settings.of(run.resolved).starts_per_block
    with as_written(run.location):
        return course_of(
            run.events(),
            steps=run.resolved.job.fit.steps,
            blocks=[min(each, starts - first) for first in range(0, starts, each)],
            now=time.time(),
            history=run.history().get("loss"),
            failures=FAILURES,
        )


def line_of(course: Course) -> str:
    """It in one line."""
    parts = [f"step {course.step}/{course.steps}" if course.best_loss is not None else "candidates"]
    parts += [] if course.best_loss is None else [f"best loss {course.best_loss:.6g}"]
    parts.append(f"{course.workers} worker{'' if course.workers == 1 else 's'}")
    parts += [] if course.pace is None else [f"{course.pace:.3g} steps of a start a second"]
    parts += [] if course.seconds_left is None else [f"{words_of(course.seconds_left)} left"]
    return ", ".join(parts) if course.state == "running" else f"{course.state} at {parts[0]}" + _loss(course)


def _loss(course: Course) -> str:
    return "" if course.best_loss is None else f", best loss {course.best_loss:.6g}"


def _silence(course: Course) -> str:
    if course.state != "running" or course.silent < _SILENCE:
        return ""
    return f"nothing for {words_of(course.silent)}: a long step, or its coordinator has died (then resume it)"


@contextmanager
def _shown(name: str) -> Iterator[Callable[[Course], None]]:
    """A picture on a terminal; when piped, a line whenever there is a new step or something to be told."""
    if not sys.stdout.isatty():
        yield _Lines().show
        return
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.text import Text

    bar = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    task = bar.add_task(name, total=1.0)
    with Live(auto_refresh=False) as live:

        def show(course: Course) -> None:
            bar.update(task, completed=course.part)
            picture = curves(course.losses, min(live.console.width, 100), 8)
            title = [Text("loss of the best starts", style="dim")] if picture else []
            told = [Text(line, style="yellow") for line in (*course.told, _silence(course)) if line]
            lines = [Text(line, no_wrap=True) for line in picture]
            live.update(Group(bar, Text(line_of(course)), *title, *lines, *told), refresh=True)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._told: tuple[str, ...] = ()
        self._silent = False

    def show(self, course: Course) -> None:
        print_lines(line for line in course.told if line not in self._told)
        self._told = course.told
        silence = _silence(course)
        if silence and not self._silent:
            print_lines([silence])
        self._silent = bool(silence)
        key = (course.state, course.step, course.best_loss, course.workers)
        if key != self._key:
            self._key = key
            print_lines([line_of(course)])
        sys.stdout.flush()
