"""Traces at given parameters, computed by a fit's workers in its lane shape: a state machine beside the coordinator."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .coordinator import Coordinator
from .events import Action, Event
from .rounds import Round


class TracedBlock(NamedTuple):
    """A block of so many starts: voltage [starts, sites, samples] by sweep, or what a worker says that wrote it."""

    starts: int
    traces: dict[str, np.ndarray]
    receipts: dict[str, Any]


class TraceRun:
    """Simulates every sweep at each row of ``u`` [starts, parameters], with the workers that the coordinator has.

    Driven like the coordinator, which must be done (its dispatcher is taken over): `begin`, then `handle` for every
    event, until `done`; then `traces`.
    """

    def __init__(self, coordinator: Coordinator, u: Float[np.ndarray, "starts parameters"]) -> None:
        self._dispatcher = coordinator.dispatcher
        self._table = coordinator.table
        self._u = np.asarray(u, np.float64)
        self._width = coordinator.config.starts_per_block
        self._done: dict[int, Round] = {}

    @property
    def _n_blocks(self) -> int:
        return -(-len(self._u) // self._width)

    @property
    def done(self) -> bool:
        return len(self._done) == self._n_blocks

    def begin(self, now: float = 0.0) -> list[Action]:
        """Queue everything, and ask for workers where some are missing."""
        chunks = self._table.plan("traces", self._table.columns)
        for block in range(self._n_blocks):
            part = self._u[block * self._width : (block + 1) * self._width]
            padded = np.zeros((self._width, self._u.shape[1]))
            padded[: len(part)] = part
            self._dispatcher.open(Round("traces", block, 0, padded, range(len(part)), chunks))
        return self._dispatcher.begin() + self._dispatcher.assign(now)

    def handle(self, event: Event, now: float) -> list[Action]:
        """What to do about an event.

        Raises:
            FitError: no worker can be had, or a budget is used up.
        """
        actions, completed = self._dispatcher.handle(event, now)
        for work in completed:
            self._done[work.key[1]] = work
        return actions + self._dispatcher.assign(now)

    def traces(self) -> dict[str, Float[np.ndarray, "starts sites samples"]]:
        """Voltage in mV by sweep; NaN for a start whose simulation failed. A sweep on which all failed is left out.

        A block whose worker has written a sweep itself has NaN here, and a receipt in `blocks`; where all have, the
        sweep is left out. Raises RuntimeError before all is done.
        """
        self._require_done()
        out = {}
        for column, name in enumerate(self._table.names):
            rows = [self._done[i // self._width].traces.get((i % self._width, column)) for i in range(len(self._u))]
            shape = next((row.shape for row in rows if row is not None), None)
            if shape is not None:
                out[name] = np.stack([np.full(shape, np.nan) if row is None else row for row in rows])
        return out

    def blocks(self) -> list[TracedBlock]:
        """What came of each block of starts. Raises RuntimeError before all is done."""
        self._require_done()
        found = []
        for index in range(self._n_blocks):
            work = self._done[index]
            receipts = {name: told for receipt in work.receipts.values() for name, told in receipt.items()}
            traces = {}
            for column, name in enumerate(self._table.names):
                rows = [work.traces.get((lane, column)) for lane in work.lanes]
                row = next((row for row in rows if row is not None), None)
                if row is not None and name not in receipts:
                    traces[name] = np.stack([np.full_like(row, np.nan) if r is None else r for r in rows])
            found.append(TracedBlock(len(work.lanes), traces, receipts))
        return found

    def _require_done(self) -> None:
        if not self.done:
            raise RuntimeError("the traces are not done; they can be had once `done` is true")
