"""The one callback of a fit for all its loggers.

Owns that they never hold the fit and never end it: they run in a thread of their own, and one that raises or hangs is
told nothing more, with one line in the run's log. Which of them there are is for the job to say.
"""

from __future__ import annotations

import importlib
import importlib.util
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from rallax.fitting import Snapshot

from ..errors import UserError, one_line
from ..job import Job
from .facts import settings_of, steps_of
from .logger import About, Ending, Logger

#: Logger -> the module that it needs, which its extra installs.
NEEDS = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
#: Seconds that the end of a fit waits for loggers that have not yet written all.
PATIENCE = 60.0


def logger_faults(job: Job) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of loggers that cannot be used here."""
    for name in job.logging.loggers:
        if importlib.util.find_spec(NEEDS[name]) is None:
            yield "logging.loggers", f'{name} is not installed here; pip install "rallax[{name}]", or leave it out'


def directory_of(job: Job, location: str) -> str:
    """Where the loggers of a run at `location` write files. Raises UserError where TensorBoard has no directory."""
    directory = location + "/tensorboard" if job.logging.directory is None else str(job.path(job.logging.directory))
    if "tensorboard" in job.logging.loggers and "://" in directory:
        raise UserError("logging.directory: is missing; TensorBoard's files need a directory, and the run is remote")
    return directory


def told_of(job: Job, key: str, location: str, warn: Callable[[str], None]) -> Told:
    """The callback for the loggers of a job.

    Parameters
    ----------
    key : of the run, the same in every session
    location : of the run
    warn : told once of each logger that fails

    Raises
    ------
    UserError : a logger is not installed, or TensorBoard has no directory to write to
    """
    for where, problem in logger_faults(job):
        raise UserError(f"{where}: {problem}")
    directory = directory_of(job, location)
    about = About(
        name=job.name,
        key=key,
        project=job.logging.project or job.name,
        location=location,
        directory=directory,
        settings=settings_of(job),
    )
    return Told(
        [(name, partial(_make, name, about)) for name in job.logging.loggers],
        [parameter.name for parameter in job.parameters],
        warn,
    )


def _make(name: str, about: About) -> Logger:
    found: Logger = importlib.import_module(f".{name}", __package__).make(about)
    return found


class Told:
    """Call it with each snapshot that is committed, and `end` it. Neither waits for a logger, but the end a little.

    A call asks for the snapshot's tree, so it belongs in the thread that writes it. What waits for a logger are numbers
    alone: of one that hangs nothing large is kept.
    """

    def __init__(
        self,
        makers: Sequence[tuple[str, Callable[[], Logger]]],
        names: Sequence[str],
        warn: Callable[[str], None],
        patience: float = PATIENCE,
    ) -> None:
        self._names, self._warn, self._patience = names, warn, patience
        self._lines: list[_Line] = [_Line(name, make, warn) for name, make in makers]

    def __call__(self, snapshot: Snapshot) -> None:
        if self._lines:
            for step, values in steps_of(snapshot, self._names):
                for line in self._lines:
                    line.put(("step", step, values))

    def begin(self) -> None:
        """Start them. Before this, none has done anything."""
        for line in self._lines:
            line.start()

    def end(self, ending: Ending) -> None:
        """Let them write what they have, for a while."""
        for line in self._lines:
            line.put(("end", ending))
        for line in self._lines:
            line.join(self._patience)


class _Line:
    """The thread of one logger, so that one that hangs does not hold another."""

    def __init__(self, name: str, make: Callable[[], Logger], warn: Callable[[str], None]) -> None:
        self._name, self._make, self._warn = name, make, warn
        self._queue: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        # A daemon: a process that must end does not wait for a server that does not answer.
        self._thread = threading.Thread(target=self._run, name=f"rallax-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, message: tuple[Any, ...]) -> None:
        if self._thread.is_alive():
            self._queue.put(message)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._warn(f"{self._name} has not taken all within {seconds:.0f} s and is left behind")

    def _run(self) -> None:
        try:
            logger = self._make()
            while True:
                kind, *arguments = self._queue.get()
                getattr(logger, kind)(*arguments)
                if kind == "end":
                    return
        except BaseException as error:  # whatever a foreign program raises: the fit goes on without it
            self._warn(one_line(f"{self._name} is told nothing more: {type(error).__name__}: {error}"))
