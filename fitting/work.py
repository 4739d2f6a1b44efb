"""Items of work and their answers: tagged, idempotent, plain data; and the function that turns one into the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .problem import Problem
from .trace_sink import Receipt, TraceSink

Kind = Literal["losses", "gradient", "traces"]


class Tag(NamedTuple):
    """What an item is, independent of who computes it and when: two items of one tag have the same answer.

    ``phase`` ("candidates", "step", "last", "best", "traces"), ``block`` of starts and ``step`` name the round;
    ``chunk`` the round's part (kind, group and sweeps); ``lanes`` the starts of the block whose results count.
    """

    phase: str
    block: int
    step: int
    chunk: int
    lanes: tuple[int, ...]

    def __str__(self) -> str:
        lanes = ",".join(map(str, self.lanes))
        return f"{self.phase}/block {self.block}/step {self.step}/chunk {self.chunk}/starts {lanes}"


@dataclass(frozen=True, eq=False)
class WorkItem:
    """One call of the `Problem`, always of the run's fixed lane shape.

    ``u`` [lanes, parameters] is float64; a lane that is not in ``tag.lanes`` repeats one that is. ``sweeps`` indexes
    into the group; a padding sweep repeats a valid one with weight 0. ``whole``: all lanes of the round count, none
    was cut off by bisection.
    """

    tag: Tag
    kind: Kind
    group: int
    sweeps: Int[np.ndarray, " sweeps"]
    weights: Float[np.ndarray, " sweeps"]
    u: Float[np.ndarray, "lanes parameters"]
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """What an item gave, padding included.

    ``losses`` [lanes, sweeps] unweighted, ``gradient`` [lanes, parameters] of the weighted sum (kind "gradient"),
    ``traces`` [lanes, sweeps, sites, samples] in mV (kind "traces"), or the ``receipt`` of a worker that has written
    them itself. ``seconds`` is for logs, never for results.
    """

    tag: Tag
    losses: Float[np.ndarray, "lanes sweeps"] | None = None
    gradient: Float[np.ndarray, "lanes parameters"] | None = None
    traces: Float[np.ndarray, "lanes sweeps sites samples"] | None = None
    receipt: Receipt | None = None
    seconds: float = 0.0


def perform(problem: Problem, item: WorkItem, sink: TraceSink | None = None) -> Answer:
    """Compute an item; the same item gives the same bits on one class of device.

    Args:
        sink: traces of a whole block are written there, if this process has such a place.
    """
    begun = time.perf_counter()
    losses = gradient = traces = receipt = None
    if item.kind == "gradient":
        losses, gradient = problem.losses_and_gradient(item.group, item.u, item.sweeps, item.weights)
    elif item.kind == "losses":
        losses = problem.losses(item.group, item.u, item.sweeps)
    else:
        traces = np.asarray(problem.traces(item.group, item.u, item.sweeps))
        if sink is not None and item.whole:
            receipt = _written(sink, item, traces)
            traces = traces if receipt is None else None
    return Answer(
        tag=item.tag,
        losses=None if losses is None else np.asarray(losses, np.float64),
        gradient=None if gradient is None else np.asarray(gradient, np.float64),
        traces=traces,
        receipt=receipt,
        seconds=time.perf_counter() - begun,
    )


def _written(sink: TraceSink, item: WorkItem, traces: np.ndarray) -> Receipt | None:
    """The receipt; None where the place refuses: the coordinator then writes, and says why if it cannot either."""
    sweeps = tuple(dict.fromkeys(item.sweeps.tolist()))  # padding repeats the first
    try:
        return sink.write(item.tag.block, item.group, sweeps, traces[list(item.tag.lanes), : len(sweeps)])
    except Exception:
        return None
