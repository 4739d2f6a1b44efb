"""A block of starts: where each stands, what it has to compute next, and the best it has seen.

Owns the course of one block through steps, last evaluation and evaluation of its best. Knows neither workers nor
the other blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .rounds import Round
from .sweeps import Chunk, SweepSampler, SweepTable
from .update import FREEZE_AFTER, StartState, Updater

STEPPING, LAST_DONE, FINISHED = 0, 1, 2
"""Stages of a block: still stepping; its last parameters evaluated; its best parameters evaluated on all sweeps."""


class Best(NamedTuple):
    """Per lane the least weighted mean loss over all training sweeps, its parameters, and the step that has them."""

    loss: Float[np.ndarray, " lanes"]
    u: Float[np.ndarray, "lanes parameters"]
    step: Int[np.ndarray, " lanes"]


@dataclass(frozen=True)
class StepOutcome:
    """What a closed step tells: the row of history and the lanes to which something happened."""

    row: dict[str, np.ndarray]
    stepped_back: tuple[int, ...]
    frozen: tuple[int, ...]
    quarantined: tuple[int, ...]


class Block:
    """``starts`` are the indices of its starts in the fit; lanes beyond them are padding.

    ``present`` tells which lanes hold a start at all (there may be fewer finite candidates than starts).
    """

    def __init__(
        self,
        index: int,
        starts: Sequence[int],
        state: StartState,
        present: Bool[np.ndarray, " lanes"],
        best_loss: Float[np.ndarray, " lanes"],
        n_sweeps: int,
    ) -> None:
        lanes = len(state.u)
        self.index = index
        self.starts = tuple(starts)
        self.state = state
        self.present = present
        self.step = 0
        self.stage = STEPPING
        self.quarantined: Bool[np.ndarray, " lanes"] = np.zeros(lanes, bool)
        self.best = Best(best_loss, np.array(state.u), np.zeros(lanes, np.int64))
        self.best_of_steps = self.best
        self.last_losses: Float[np.ndarray, "lanes sweeps"] = np.full((lanes, n_sweeps), np.nan)
        self.best_losses: Float[np.ndarray, "lanes sweeps"] = np.full((lanes, n_sweeps), np.nan)

    def __copy__(self) -> Block:
        """A snapshot copies a thousand of them while the fit waits: by the fields, not by `copy`'s long way."""
        block = object.__new__(Block)
        block.__dict__.update(self.__dict__)
        return block

    @property
    def frozen(self) -> Bool[np.ndarray, " lanes"]:
        return np.asarray(self.state.halvings) >= FREEZE_AFTER

    @property
    def active(self) -> Bool[np.ndarray, " lanes"]:
        return self.present & ~self.frozen & ~self.quarantined

    @property
    def finished(self) -> bool:
        return self.stage == FINISHED

    def next_round(self, table: SweepTable, sampler: SweepSampler, steps: int, evaluate_every: int) -> Round | None:
        """What to compute next; None when no lane takes part at this stage."""
        if self.step < steps:
            columns = sampler.columns(self.index, self.step)
            chunks = table.plan("gradient", columns)
            if self.step % evaluate_every == 0:
                chunks += table.plan("losses", table.validate if columns == table.train else table.columns)
            return self._round("step", np.asarray(self.state.u), self.active, chunks)
        everything = table.plan("losses", table.columns)
        if self.stage == STEPPING:
            return self._round("last", np.asarray(self.state.u), self.present & ~self.quarantined, everything)
        return self._round("best", self.best.u, self.present, everything)

    def _round(self, phase: str, u: np.ndarray, mask: np.ndarray, chunks: tuple[Chunk, ...]) -> Round | None:
        lanes = tuple(np.flatnonzero(mask).tolist())
        return Round(phase, self.index, self.step, u, lanes, chunks) if lanes else None

    def close_step(self, done: Round, table: SweepTable, sampler: SweepSampler, updater: Updater) -> StepOutcome:
        """Take the results of a "step" round: quarantine, best so far, update."""
        quarantined = tuple(sorted(done.quarantined("gradient")))
        if quarantined:
            self.quarantined = self.quarantined.copy()
            self.quarantined[list(quarantined)] = True
        active = self.active
        columns = sampler.columns(self.index, self.step)
        gradient_losses = done.losses("gradient", len(table))
        loss = np.where(active, table.mean(gradient_losses, columns), np.nan)
        other_losses = done.losses("losses", len(table))
        if columns == table.train:
            training = loss
        else:
            training = np.where(active, table.mean(other_losses, table.train), np.nan)
        validation = np.where(active, table.mean(other_losses, table.validate), np.nan) if table.validate else None
        self._keep_best(training)
        self.best_of_steps = self.best

        updates = np.where(active, self.state.updates, -1)
        halvings_before = np.asarray(self.state.halvings)
        self.state, facts = updater.apply(self.state, loss, done.gradient(), active)
        self.step += 1

        row = {
            "loss": loss,
            "gradient_norm": facts.gradient_norm,
            "learning_rate": facts.learning_rate,
            "training_loss": training,
            "updates": updates,
        }
        if validation is not None:
            row["validation_loss"] = validation
        newly_frozen = self.frozen & (halvings_before < FREEZE_AFTER)
        return StepOutcome(
            row={name: np.asarray(value)[: len(self.starts)] for name, value in row.items()},
            stepped_back=tuple(np.flatnonzero(facts.stepped_back).tolist()),
            frozen=tuple(np.flatnonzero(newly_frozen).tolist()),
            quarantined=quarantined,
        )

    def close_last(self, done: Round | None, table: SweepTable) -> None:
        """Take the evaluation of the last parameters (None: no lane is left to evaluate)."""
        if done is not None:
            self.last_losses = done.losses("losses", len(table))
            self._keep_best(table.mean(self.last_losses, table.train))
        self.stage = LAST_DONE

    def reopen(self) -> None:
        """Go on stepping after the end, as if the end had been later from the start."""
        self.stage = STEPPING
        self.best = self.best_of_steps

    def close_best(self, done: Round | None, table: SweepTable) -> None:
        """Take the evaluation of the best parameters."""
        if done is not None:
            self.best_losses = done.losses("losses", len(table))
        self.stage = FINISHED

    def _keep_best(self, training: np.ndarray) -> None:
        # Strictly below: of equals the earlier stays. NaN compares as not below.
        best = self.best
        better = self.present & np.isfinite(training) & (training < best.loss)
        self.best = Best(
            np.where(better, training, best.loss),
            np.where(better[:, None], self.state.u, best.u),
            np.where(better, self.step, best.step),
        )
