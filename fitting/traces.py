"""The traces of chosen starts, computed by the workers of a fit once it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from .coordinator import Coordinator
from .events import Action, Report, Tick
from .executors.base import Executor
from .rounds import Round

_WAIT = 0.5


def collect_traces(
    coordinator: Coordinator,
    executor: Executor,
    starts: Sequence[int],
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[Report], None] = lambda report: None,
) -> dict[str, Float[np.ndarray, "starts sites samples"]] | None:
    """Voltage in mV of each sweep at the best parameters of `starts`; None when told to stop.

    Uses the coordinator's dispatcher, so that lost workers and the like are dealt with as in the fit. A start whose
    simulation fails has NaN.

    Raises:
        FitError: no worker can be had.
    """
    result, table, dispatcher = coordinator.result(), coordinator.table, coordinator.dispatcher
    width = coordinator.config.starts_per_block
    chunks = table.plan("traces", table.columns)
    pending: list[Round] = []
    for block, first in enumerate(range(0, len(starts), width)):
        members = list(starts[first : first + width])
        u = np.zeros((width, len(coordinator.space)))
        u[: len(members)] = result.u[members]
        pending.append(Round("traces", block, 0, u, range(len(members)), chunks))
    for work in pending:
        dispatcher.open(work)

    def perform(actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Report):
                on_report(action)
            else:
                executor.submit(action)

    perform([*dispatcher.begin(), *dispatcher.assign(time.monotonic())])
    while not all(work.complete for work in pending):
        if should_stop():
            return None
        event = executor.next_event(_WAIT) or Tick()
        actions, _ = dispatcher.handle(event, time.monotonic())
        perform([*actions, *dispatcher.assign(time.monotonic())])
    return {
        name: np.stack([_trace(pending[i // width], i % width, column) for i in range(len(starts))])
        for column, name in enumerate(table.names)
    }


def _trace(work: Round, lane: int, column: int) -> Float[np.ndarray, "sites samples"]:
    found = work.traces.get((lane, column))
    if found is not None:
        return found
    like = next((trace for (_, c), trace in work.traces.items() if c == column), np.zeros((1, 0)))
    return np.full_like(like, np.nan)
