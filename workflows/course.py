"""How a running fit goes, as its log tells: workers, steps, pace, time left, losses of the best starts.

Owns the reckoning, from plain data. The log is written as things happen, while checkpoints come every few steps; so
this is ahead of `Run.status`, and works from any machine that can read the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

#: The pace is that of the last so many seconds.
WINDOW = 300.0
#: Kinds of events that begin or end a session, and the state after them.
STATES = {"started": "running", "resumed": "running", "stopped": "stopped", "failed": "failed", "finished": "finished"}


@dataclass(frozen=True)
class Course:
    """A fit under way.

    Attributes
    ----------
    state : "created", "running", "stopped", "failed" or "finished"
    step, steps : that the slowest block has done, and all
    part : of all steps of all blocks that are done, 0 to 1
    best_loss : least training loss so far, None before the first
    workers : that are there
    pace : steps of a start in a second, None before there are two to measure it by
    seconds_left : at that pace, None likewise and after the end
    silent : seconds since the last event
    losses : (best starts, steps) loss at each step, as far as committed
    told : the last events that a person is to know of
    """

    state: str
    step: int
    steps: int
    part: float
    best_loss: float | None
    workers: int
    pace: float | None
    seconds_left: float | None
    silent: float
    losses: Float[np.ndarray, "starts steps"] = field(default_factory=lambda: np.zeros((0, 0)))
    told: tuple[str, ...] = ()


def course_of(
    log: Sequence[Mapping[str, Any]],
    *,
    steps: int,
    blocks: Sequence[int],
    now: float,
    history: Float[np.ndarray, "steps starts"] | None = None,
    failures: Sequence[str] = (),
    best: int = 4,
) -> Course:
    """The course of a fit.

    Parameters
    ----------
    log : the run's events, the oldest first
    steps : steps of each start that the job asks for; a session that was told otherwise says so in the log
    blocks : starts of each block
    now : seconds since 1970, as in the log
    history : losses of every start at every committed step
    failures : kinds of events that a person is to know of
    best : how many starts' losses are shown
    """
    state = "created"
    workers: set[str] = set()
    done = [0] * len(blocks)
    best_loss: float | None = None
    marks: list[tuple[float, int]] = []
    for event in log:
        kind = event.get("kind")
        if kind in STATES:
            state = STATES[kind]
            if state == "running":
                workers, marks = set(), []
                steps = int(event.get("steps", steps))
        elif kind == "worker joined":
            workers.add(str(event.get("worker")))
        # One that leaves with its machine may be told as lost afterwards, or not.
        elif kind in ("worker lost", "worker leaves"):
            workers.discard(str(event.get("worker")))
        elif kind == "step" and 0 <= int(event["block"]) < len(done):
            done[event["block"]] = int(event["step"]) + 1
            marks.append((float(event["time"]), blocks[event["block"]]))
            loss = event.get("best")
            if isinstance(loss, int | float) and np.isfinite(loss):
                best_loss = loss if best_loss is None else min(best_loss, loss)
    if state == "finished":
        done = [steps] * len(blocks)
    total = steps * sum(blocks)
    so_far = sum(min(d, steps) * size for d, size in zip(done, blocks, strict=True))
    pace = _pace(marks)
    running = state == "running"
    return Course(
        state=state,
        step=min(min(done, default=0), steps),
        steps=steps,
        part=so_far / total if total else 1.0,
        best_loss=best_loss,
        workers=len(workers) if running else 0,
        pace=pace if running else None,
        seconds_left=(total - so_far) / pace if running and pace else None,
        silent=now - float(log[-1]["time"]) if log else 0.0,
        losses=_of_best(history, best),
        told=tuple(str(e.get("message", e["kind"])) for e in log if e.get("kind") in failures)[-5:],
    )


def _pace(marks: Sequence[tuple[float, int]]) -> float | None:
    recent = [mark for mark in marks if mark[0] >= marks[-1][0] - WINDOW]
    if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
        return None
    # What the first of them has done was done before it.
    return sum(size for _, size in recent[1:]) / (recent[-1][0] - recent[0][0])


def _of_best(history: np.ndarray | None, count: int) -> np.ndarray:
    if history is None or not history.size:
        return np.zeros((0, 0))
    least = np.where(np.isfinite(history), history, np.inf).min(axis=0)
    order = np.argsort(least, kind="stable")[:count]
    return history[:, order[np.isfinite(least[order])]].T


def words_of(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.1f} days"
