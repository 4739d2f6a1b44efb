"""Running the jobs of a sweep: so many at once, each a process of its own, on one Ray cluster.

Owns the order, the processes and how each stands. Each job is `rallax run --resume`, so that it commits, stops and goes
on as a job by itself does, and one that fails takes no other with it.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

from ..errors import DONE, STOPPED, UserError
from .members import LoadedSweep, Member

State = Literal["waiting", "running", "finished", "stopped", "failed"]
_LOOK_EVERY = 0.5


@dataclass(frozen=True)
class Standing:
    """How one job stands: losses of its best start where there is one, and what it last said where it failed."""

    member: Member
    state: State = "waiting"
    step: int = 0
    steps: int = 0
    best_loss: float | None = None
    validation_loss: float | None = None
    seconds: float | None = None
    said: str = ""


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    began: float


def run_sweep(
    sweep: LoadedSweep,
    address: str,
    *,
    at_once: int | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Callable[[Sequence[Standing]], None] = lambda standings: None,
) -> list[Standing]:
    """Bring every job of a sweep to its end; the finished ones are left as they are.

    Parameters
    ----------
    address : of the Ray cluster that all of them use
    at_once : jobs side by side; default as the sweep says
    should_stop : asked about twice a second; when true the jobs are told to commit and end
    watch : told whenever one stands otherwise than before
    """
    standings = [_standing(member) for member in sweep.members]
    watch(standings)
    running: dict[int, _Running] = {}
    sweep.logs.mkdir(parents=True, exist_ok=True)
    stopping = False
    try:
        while True:
            if not stopping and should_stop():
                stopping = True
                for started in running.values():
                    started.process.terminate()
            for index in [i for i, r in running.items() if r.process.poll() is not None]:
                standings[index] = _ended(sweep, standings[index], running.pop(index))
                watch(standings)
            waiting = [i for i, s in enumerate(standings) if s.state == "waiting"]
            while waiting and not stopping and len(running) < (at_once or sweep.table.at_once):
                index = waiting.pop(0)
                running[index] = _start(sweep, standings[index].member, address)
                standings[index] = replace(standings[index], state="running")
                watch(standings)
            if not running and (stopping or not waiting):
                return standings
            time.sleep(_LOOK_EVERY)
    finally:
        # Interrupted a second time: nobody waits for them any more, and a run survives its process's end.
        for started in running.values():
            started.process.kill()
            started.process.wait()
            started.log.close()


def log_of(sweep: LoadedSweep, member: Member) -> Path:
    """The file of what a job prints."""
    return sweep.logs / f"{member.name}.log"


def command_of(sweep: LoadedSweep, member: Member, address: str) -> list[str]:
    """The command that runs one job, or goes on with it."""
    changes = [word for text in member.overrides for word in ("--set", text)]
    program = [sys.executable, "-m", "rallax.workflows.cli"]
    return [*program, "run", str(sweep.job_file), "--run", member.run, *changes, "--resume", "--address", address]


def _start(sweep: LoadedSweep, member: Member, address: str) -> _Running:
    command = command_of(sweep, member, address)
    log = log_of(sweep, member).open("ab")
    # In a session of its own: Ctrl-C reaches the sweep alone, which tells each job once.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return _Running(process, log, time.monotonic())


def _ended(sweep: LoadedSweep, before: Standing, started: _Running) -> Standing:
    started.log.close()
    code = started.process.returncode
    # One told to stop before it listens, while it loads or joins Ray, ends by the signal itself: it has lost nothing.
    stopped = code in (STOPPED, signal.SIGTERM, -signal.SIGTERM)
    state: State = "finished" if code == DONE else "stopped" if stopped else "failed"
    said = ""
    if state == "failed":
        lines = log_of(sweep, before.member).read_text(errors="replace").splitlines()
        said = next((line.strip() for line in reversed(lines) if line.strip()), f"exit code {code}")
    found = _standing(before.member)
    return replace(found, state=state, said=said, seconds=time.monotonic() - started.began)


def _standing(member: Member) -> Standing:
    """How its run stands. One that was stopped or whose process died waits for its turn."""
    from rallax.storage import NotARun, StorageError

    from ..run import Run

    steps = member.job.fit.steps
    try:
        status = Run.open(member.run).status()
    except NotARun:
        return Standing(member, steps=steps)
    except (StorageError, UserError) as error:
        return Standing(member, "failed", steps=steps, said=str(error))
    found = Standing(member, "waiting", status.step, status.steps, status.best_loss, status.validation_loss)
    with contextlib.suppress(UserError):
        if status.state == "finished" and _same(member):
            return replace(found, state="finished")
    return found


def _same(member: Member) -> bool:
    """Whether the run is of this very job; if not, its own process says so, and it fails."""
    from ..resolve import resolve
    from ..run import Run

    return Run.open(member.run).resolved.same_job(resolve(member.job))
