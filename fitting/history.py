"""Rows of numbers per (step, start): written by blocks that advance independently, committed when complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

COLUMNS: dict[str, type] = {
    "loss": np.float64,
    "gradient_norm": np.float64,
    "learning_rate": np.float64,
    "training_loss": np.float64,
    "validation_loss": np.float64,
    "updates": np.int64,
}
"""``loss``: weighted mean over the step's sweeps at the step's parameters; ``gradient_norm`` of it before clipping;
``learning_rate`` as applied; ``training_loss`` and ``validation_loss``: over all such sweeps, where evaluated;
``updates`` that the start had when the step began. A start that takes no part has NaN, and -1 updates."""


class History:
    """Rows from step ``committed`` on; the earlier ones are out of its hands.

    A row is complete when every block has written it. Complete rows leave in order, so the concatenation of what
    has left is the same however often and whenever it was asked for.
    """

    def __init__(self, n_starts: int, n_blocks: int, committed: int = 0) -> None:
        self.committed = committed
        self._n_starts = n_starts
        self._n_blocks = n_blocks
        self._rows: list[dict[str, np.ndarray]] = []
        self._written: list[np.ndarray] = []

    def write(self, step: int, block: int, starts: Sequence[int], values: Mapping[str, np.ndarray]) -> None:
        """Enter a block's part of a row; ``values`` has one entry per start of the block, missing columns stay NaN."""
        row = step - self.committed
        while len(self._rows) <= row:
            self._rows.append({name: _empty(name, self._n_starts) for name in COLUMNS})
            self._written.append(np.zeros(self._n_blocks, bool))
        for name, value in values.items():
            self._rows[row][name][list(starts)] = value
        self._written[row][block] = True

    @property
    def complete(self) -> int:
        """The number of complete rows not committed yet."""
        n = 0
        while n < len(self._written) and self._written[n].all():
            n += 1
        return n

    def segment(self, n: int) -> dict[str, np.ndarray]:
        """Copies of the next n rows: ``step`` [n] and every column [n, starts]."""
        return {"step": np.arange(self.committed, self.committed + n), **self._stack(0, n)}

    def commit(self, rows: int) -> None:
        """Let go of all rows before step ``rows``: they are stored."""
        n = rows - self.committed
        del self._rows[:n], self._written[:n]
        self.committed = rows

    def tree(self, n: int) -> dict[str, Any]:
        """What a checkpoint that covers the next n rows must keep: the count, and the rows after them."""
        tree: dict[str, Any] = {"rows": self.committed + n}
        if len(self._rows) > n:
            tree["pending"] = {"written": np.stack(self._written[n:]), **self._stack(n, len(self._rows))}
        return tree

    @classmethod
    def from_tree(cls, n_starts: int, n_blocks: int, tree: Mapping[str, Any]) -> History:
        history = cls(n_starts, n_blocks, int(tree["rows"]))
        pending = tree.get("pending")
        if pending is not None:
            for i, written in enumerate(np.asarray(pending["written"], bool)):
                history._written.append(written.copy())
                history._rows.append({name: np.array(pending[name][i], COLUMNS[name]) for name in COLUMNS})
        return history

    def _stack(self, first: int, stop: int) -> dict[str, np.ndarray]:
        rows = self._rows[first:stop]
        return {
            name: np.stack([row[name] for row in rows]) if rows else np.zeros((0, self._n_starts), COLUMNS[name])
            for name in COLUMNS
        }


def _empty(name: str, n: int) -> np.ndarray:
    return np.full(n, -1, np.int64) if COLUMNS[name] is np.int64 else np.full(n, np.nan)
