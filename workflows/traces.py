"""The best starts' traces: written by the workers where they see the run, by the coordinator else, sealed by it.

Owns the way between a fit's `TraceRun` and the run's `trace_parts`; the bytes do not depend on who wrote what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rallax.fitting import Recipe, SweepGroup, TracedBlock, TraceRun
from rallax.storage import PartWriter, RunStore, Variable, is_remote

from .sweeps import PreparedSweep

ENTRY = "rallax.workflows.traces:from_config"


class _Sink:
    """A `rallax.fitting` trace sink that writes into a run."""

    def __init__(self, writer: PartWriter, names: Sequence[Sequence[str]]) -> None:
        self._writer, self._names = writer, names
        self.visible = writer.visible

    def write(self, block: int, group: int, sweeps: tuple[int, ...], traces: np.ndarray) -> dict[str, Any]:
        """Write traces [lanes, sweeps, sites, samples]; the receipts by sweep."""
        names = [self._names[group][sweep] for sweep in sweeps]
        return {name: self._writer.write(name, block, traces[:, i]) for i, name in enumerate(names)}


def from_config(config: Mapping[str, Any]) -> _Sink:
    """The writer of a recipe."""
    writer = PartWriter(config["location"], config["epoch"], config["word"], config["block"])
    return _Sink(writer, config["names"])


class TraceParts:
    """The traces of one session of a run; ``block`` is the number of starts of a block."""

    def __init__(self, store: RunStore, epoch: int, block: int, groups: Sequence[SweepGroup]) -> None:
        self._store, self._epoch, self._block, self._groups = store, epoch, block, groups
        self._word, self._writer = store.part_writer(epoch, block)

    def recipe(self, recipe: Recipe) -> Recipe:
        """The recipe of a problem, with that of its writer of traces."""
        location = self._store.location
        config = {
            "location": location if is_remote(location) else str(Path(location).resolve()),
            "epoch": self._epoch,
            "word": self._word,
            "block": self._block,
            "names": [list(group.sweeps) for group in self._groups],
        }
        return replace(recipe, sink=Recipe(ENTRY, config))

    def begin(self, sweeps: Sequence[PreparedSweep]) -> None:
        """Take the traces of an earlier end away."""
        self._store.begin_trace_parts([sweep.name for sweep in sweeps])

    def finish(self, run: TraceRun, sweeps: Sequence[PreparedSweep], starts: Sequence[int]) -> dict[str, int]:
        """Write what the workers could not, and make all of it count. A sweep on which all failed is left out.

        Returns how many parts were written "by_workers" and "by_coordinator".
        """
        told = {"by_workers": 0, "by_coordinator": 0}
        traced = run.blocks()
        for sweep in sweeps:
            like = next((row for block in traced if (row := _row(block, sweep.name)) is not None), None)
            if like is None:
                continue
            parts = []
            for number, block in enumerate(traced):
                part = block.receipts.get(sweep.name)
                told["by_coordinator" if part is None else "by_workers"] += 1
                if part is None:
                    voltage = block.traces.get(sweep.name)
                    if voltage is None:
                        voltage = np.full((block.starts, *like.shape), np.nan, like.dtype)
                    part = self._writer.write(sweep.name, number, voltage)
                parts.append(part)
            coordinates = {
                "time": Variable(sweep.time_ms, ("time",), "ms"),
                "start": Variable(np.asarray(starts, np.int64), ("start",)),
            }
            self._store.seal_traces(sweep.name, parts, self._block, coordinates)
        return told


def _row(block: TracedBlock, sweep: str) -> np.ndarray | None:
    """An array like the trace of one start on a sweep; None where the block has none."""
    receipt = block.receipts.get(sweep)
    if receipt is not None:
        return np.broadcast_to(np.zeros((), receipt["dtype"]), receipt["shape"])
    return block.traces[sweep][0] if sweep in block.traces else None
