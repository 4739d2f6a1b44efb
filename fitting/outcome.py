"""What a fit gives: snapshots to commit, progress to look at, the result. Plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Snapshot:
    """A consistent state to commit. Its arrays are never written again.

    Taking one costs next to nothing: it holds on to the arrays of the blocks as they are, and ``tree`` joins them when
    it is first asked for, in whatever thread that is.

    ``tree`` alone suffices to go on from; ``history`` are the rows that it relies on and that no earlier commit has
    (None when there are none): `step` [rows] and the columns of `history.COLUMNS` [rows, starts]. ``step`` is that of
    the slowest block.
    """

    build: Callable[[], dict[str, Any]]
    history: dict[str, np.ndarray] | None
    step: int
    rows: int

    @cached_property
    def tree(self) -> dict[str, Any]:
        return self.build()


@dataclass(frozen=True)
class Progress:
    """Where a fit stands, for people to look at. ``step`` is that of the slowest block."""

    phase: str
    candidates_done: int
    candidates: int
    step: int
    steps: int
    best_loss: float
    workers: int
    active: int
    frozen: int
    quarantined: int


@dataclass(frozen=True)
class FitResult:
    """The end of a fit; leading axis starts, ordered as the fit has them (best candidate first).

    ``loss`` is the weighted mean over the training sweeps at the best parameters, ``losses`` [starts, sweeps] their
    unweighted losses on every sweep of the table. A start that was never there has NaN.
    """

    names: tuple[str, ...]
    sweeps: tuple[str, ...]
    u: Float[np.ndarray, "starts parameters"]
    theta: Float[np.ndarray, "starts parameters"]
    loss: Float[np.ndarray, " starts"]
    step: Int[np.ndarray, " starts"]
    losses: Float[np.ndarray, "starts sweeps"]
    training_loss: Float[np.ndarray, " starts"]
    validation_loss: Float[np.ndarray, " starts"]
    candidate_losses: Float[np.ndarray, "candidates sweeps"]
    frozen: Bool[np.ndarray, " starts"]
    quarantined: Bool[np.ndarray, " starts"]

    @property
    def ranking(self) -> Int[np.ndarray, " starts"]:
        """The starts from best to worst by training loss; absent ones last."""
        return np.argsort(self.loss, kind="stable")
