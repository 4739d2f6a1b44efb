"""The fit as a pure state machine: candidates, then blocks of starts that step independently, to the best parameters.

Owns what is computed next and what the answers mean. Handing out work and bearing faults is the dispatcher's, storing
the workflow's. The result is a function of the configuration and the problem: not of the number of workers, the order
of answers, retries or restarts. No clock, no threads, no Ray.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .blocks import STEPPING, Block, StepOutcome
from .candidates import choose
from .checkpoint import FORMAT, blocks_from_tree, blocks_to_tree
from .config import DispatchPolicy, FitConfig
from .course import Course
from .dispatch import Dispatcher
from .errors import FitError
from .events import Action, Answered, Event, Report
from .history import History
from .outcome import FitResult, Progress, Snapshot
from .parameters import ParameterSpace
from .precision import float64_on_cpu
from .problem import SweepGroup
from .rounds import Round
from .sweeps import SweepSampler, SweepTable
from .update import FREEZE_AFTER, updater_for


class Coordinator:
    """Drive with `begin`, then `handle` for every event, until `done`; `snapshot` may be taken between any two.

    ``tree`` resumes from a snapshot's tree (with a larger ``config.steps`` it goes on where it had ended). ``device``
    is the device class that the run was begun on.

    Raises:
        ValueError: the configuration does not suit the sweeps, or the tree is of another fit.
    """

    def __init__(
        self,
        config: FitConfig,
        space: ParameterSpace,
        groups: Sequence[SweepGroup],
        policy: DispatchPolicy | None = None,
        *,
        device: str | None = None,
        tree: Mapping[str, Any] | None = None,
    ) -> None:
        config.check_against(groups)
        self.config = config
        self.space = space
        self.table = SweepTable(groups, config.sweeps_per_item)
        self.dispatcher = Dispatcher(policy or DispatchPolicy(), device)
        self._sampler = SweepSampler(config.seed, self.table.train, config.sweeps_per_step)
        self._updater = updater_for(config.optimizer, len(space))
        self._draws = space.draw(config.seed, config.candidates)
        self._candidate_losses = np.full((config.candidates, len(self.table)), np.nan)
        self._evaluated = np.zeros(config.candidates, bool)
        self._n_evaluated = 0
        self._candidate_of_start = np.full(config.starts, -1)
        self._divisions = _divide(config.starts, config.starts_per_block)
        self.blocks: list[Block] = []
        self._course = Course()
        self.history = History(config.starts, len(self._divisions))
        if tree is not None:
            self._restore(tree)

    @property
    def done(self) -> bool:
        return bool(self.blocks) and self._course.finished

    @property
    def slowest_step(self) -> int:
        """The step of the block that is furthest behind; 0 before there are blocks."""
        return self._course.slowest

    @property
    def stage(self) -> tuple[str, int, int, int]:
        """What is cheap to know of the progress, to see whether there is any: phase, candidates done, step, workers."""
        phase = "done" if self.done else "steps" if self.blocks else "candidates"
        return phase, self._n_evaluated, self.slowest_step, len(self.dispatcher.fleet)

    @property
    def device(self) -> str | None:
        """The device class of the run, once a worker has joined."""
        return self.dispatcher.device

    def begin(self, now: float = 0.0) -> list[Action]:
        """The first actions: workers to start, and everything that can be computed at once queued."""
        if self.done:
            return []
        actions: list[Action] = []
        if self.blocks:
            self._require_starts()
            for block in self.blocks:
                actions += self._advance(block)
        else:
            for index, members in enumerate(_divide(self.config.candidates, self.config.starts_per_block)):
                if not self._evaluated[members].all():
                    self.dispatcher.open(self._candidate_round(index, members))
        if self.done:
            return actions
        return actions + self.dispatcher.begin() + self.dispatcher.assign(now)

    def handle(self, event: Event, now: float) -> list[Action]:
        """What to do about an event.

        Raises:
            FitError: the fit cannot go on. What has been committed, and a snapshot taken now, can be resumed.
        """
        actions, completed = self.dispatcher.handle(event, now)
        if not isinstance(event, Answered):
            actions = [self._named(action) for action in actions]
        for work in completed:
            actions += self._close(work)
        return actions + self.dispatcher.assign(now)

    def _named(self, action: Action) -> Action:
        """A report of a start that is given up with the number that its user knows it by."""
        if not isinstance(action, Report) or action.kind != "start quarantined":
            return action
        phase, block, lane = action.data["phase"], action.data["block"], action.data["lane"]
        number = block * self.config.starts_per_block + lane
        what = "candidate" if phase == "candidates" else "start"
        return Report(action.kind, f"{what} {number}: {action.message}", {**action.data, what: number})

    def progress(self) -> Progress:
        course = self._course
        return Progress(
            phase=self.stage[0],
            candidates_done=self._n_evaluated,
            candidates=self.config.candidates,
            step=self.slowest_step,
            steps=self.config.steps,
            best_loss=course.best if np.isfinite(course.best) else float("nan"),
            workers=len(self.dispatcher.fleet),
            active=course.active,
            frozen=course.frozen,
            quarantined=course.quarantined,
        )

    def snapshot(self) -> Snapshot:
        """The state now; rounds under way are not in it and are done again after a resume, with the same answers."""
        n = self.history.complete if self.blocks else 0
        # Shallow copies: a block never writes into its arrays, it replaces them.
        blocks = [copy.copy(block) for block in self.blocks]
        candidates = {"losses": self._candidate_losses.copy(), "evaluated": self._evaluated.copy()}
        candidate_of_start, rows = self._candidate_of_start.copy(), self.history.tree(n)

        def build() -> dict[str, Any]:
            tree: dict[str, Any] = {"format": FORMAT, "seed": self.config.seed, "candidates": candidates}
            if blocks:
                tree |= blocks_to_tree(blocks)
                tree["starts"]["candidate"] = candidate_of_start
                tree["best"]["theta"] = self._theta(tree["best"]["u"])
                tree["history"] = rows
            return tree

        segment = self.history.segment(n) if n else None
        return Snapshot(build, segment, self.slowest_step, self.history.committed + n)

    def committed(self, snapshot: Snapshot) -> None:
        """The snapshot is safe: its rows need not be kept or given again."""
        self.history.commit(snapshot.rows)

    def result(self) -> FitResult:
        """Raises RuntimeError before the fit is done."""
        if not self.done:
            raise RuntimeError("the fit is not done; its result can be had once `done` is true")
        tree = blocks_to_tree(self.blocks)
        losses, present = tree["starts"]["best_losses"], tree["starts"]["present"]
        nan = np.full(self.config.starts, np.nan)
        return FitResult(
            names=self.space.names,
            sweeps=self.table.names,
            u=tree["best"]["u"],
            theta=self._theta(tree["best"]["u"]),
            loss=np.where(present, tree["best"]["loss"], np.nan),
            step=tree["best"]["step"],
            losses=losses,
            training_loss=self.table.mean(losses, self.table.train),
            validation_loss=self.table.mean(losses, self.table.validate) if self.table.validate else nan,
            candidate_losses=self._candidate_losses.copy(),
            frozen=tree["starts"]["halvings"] >= FREEZE_AFTER,
            quarantined=tree["starts"]["quarantined"],
        )

    def _theta(self, u: np.ndarray) -> np.ndarray:
        with float64_on_cpu():
            return np.asarray(self.space.to_theta(u))

    def _candidate_round(self, index: int, members: Sequence[int]) -> Round:
        u = np.zeros((self.config.starts_per_block, len(self.space)))
        u[: len(members)] = self._draws[members]
        chunks = self.table.plan("losses", self.table.columns)
        return Round("candidates", index, 0, u, range(len(members)), chunks)

    def _close(self, work: Round) -> list[Action]:
        phase, index, _ = work.key
        if phase == "candidates":
            return self._close_candidates(index, work)
        block = self.blocks[index]
        actions: list[Action] = []
        if phase == "step":
            step = block.step
            outcome = block.close_step(work, self.table, self._sampler, self._updater)
            self.history.write(step, index, block.starts, outcome.row)
            self._course.moved(step, block.step)
            actions = self._tell(block, step, outcome)
            if outcome.quarantined:
                self._require_starts()
        elif phase == "last":
            block.close_last(work, self.table)
        else:
            block.close_best(work, self.table)
        self._course.changed(block)
        return actions + self._advance(block)

    def _close_candidates(self, index: int, work: Round) -> list[Action]:
        members = list(work.lanes)
        first = index * self.config.starts_per_block
        rows = slice(first, first + len(members))
        self._candidate_losses[rows] = work.losses("losses", len(self.table))[members]
        self._evaluated[rows] = True
        self._n_evaluated = int(self._evaluated.sum())
        if self._n_evaluated < self.config.candidates:
            return []
        actions = self._start_blocks()
        for block in self.blocks:
            actions += self._advance(block)
        return actions

    def _start_blocks(self) -> list[Action]:
        losses = self.table.mean(self._candidate_losses, self.table.train)
        chosen = choose(losses, self.config.starts)
        if chosen.size == 0:
            # A resume tries them all again: the cause may be gone.
            self._evaluated[:] = False
            self._n_evaluated = 0
            failed = self.dispatcher.budgets.last_failure
            hint = "look at the bounds of the parameters, the time step and the targets"
            raise FitError(
                f"none of the {self.config.candidates} candidates has a finite loss; "
                + (f"the last failure: {failed}" if failed else hint)
            )
        self._candidate_of_start[: chosen.size] = chosen
        lanes = self.config.starts_per_block
        for index, own in enumerate(self._divisions):
            u = np.zeros((lanes, len(self.space)))
            best = np.full(lanes, np.inf)
            present = np.zeros(lanes, bool)
            for lane, start in enumerate(own):
                if start < chosen.size:
                    u[lane] = self._draws[chosen[start]]
                    best[lane] = losses[chosen[start]]
                    present[lane] = True
            self.blocks.append(Block(index, own, self._updater.init(u), present, best, len(self.table)))
        self._course.begin(self.blocks)
        message = f"{chosen.size} starts from {self.config.candidates} candidates, best loss {losses[chosen[0]]:.6g}"
        if chosen.size < self.config.starts:
            message += f"; {self.config.starts} were asked for, but the other candidates are not finite"
        return [Report("starts chosen", message, {"candidates": chosen.tolist()})]

    def _advance(self, block: Block) -> list[Action]:
        """Open the block's next round, passing over stages at which no start takes part."""
        while not block.finished:
            work = block.next_round(self.table, self._sampler, self.config.steps, self.config.evaluate_every)
            if work is not None:
                self.dispatcher.open(work)
                return []
            if block.step < self.config.steps:
                for step in range(block.step, self.config.steps):
                    self.history.write(step, block.index, block.starts, {})
                self._course.moved(block.step, self.config.steps)
                block.step = self.config.steps
            elif block.stage == STEPPING:
                block.close_last(None, self.table)
            else:
                block.close_best(None, self.table)
        self._course.end(block.index)
        return []

    def _require_starts(self) -> None:
        if all((block.quarantined >= block.present).all() for block in self.blocks):
            failed = self.dispatcher.budgets.last_failure or "see the run's log"
            raise FitError(f"every start has been given up because its items failed; the last failure: {failed}")

    def _tell(self, block: Block, step: int, outcome: StepOutcome) -> list[Action]:
        data = {"block": block.index, "step": step}
        finite = block.best.loss[block.active]
        best = float(finite.min()) if finite.size else float("nan")
        actions: list[Action] = [
            Report("step", f"block {block.index} has done step {step}, best loss {best:.6g}", data | {"best": best})
        ]
        for kind, lanes in (
            ("start stepped back", outcome.stepped_back),
            ("start frozen", outcome.frozen),
            ("start given up", outcome.quarantined),
        ):
            for lane in lanes:
                start = block.starts[lane]
                actions.append(Report(kind, f"{kind}: start {start} at step {step}", data | {"start": start}))
        return actions

    def _restore(self, tree: Mapping[str, Any]) -> None:
        if int(tree["format"]) != FORMAT:
            raise ValueError(f"the checkpoint is of format {int(tree['format'])}, this version reads {FORMAT}")
        if int(tree["seed"]) != self.config.seed:
            raise ValueError(f"the checkpoint is of seed {int(tree['seed'])}, the job has {self.config.seed}")
        losses = np.asarray(tree["candidates"]["losses"], np.float64)
        if losses.shape != self._candidate_losses.shape:
            raise ValueError(
                f"the checkpoint has {losses.shape[0]} candidates on {losses.shape[1]} sweeps, "
                f"the job {self._candidate_losses.shape[0]} on {self._candidate_losses.shape[1]}"
            )
        self._candidate_losses = losses.copy()
        self._evaluated = np.array(tree["candidates"]["evaluated"], bool)
        self._n_evaluated = int(self._evaluated.sum())
        if "starts" not in tree:
            return
        self._candidate_of_start = np.array(tree["starts"]["candidate"])
        self.blocks = blocks_from_tree(tree, self._divisions, self.config.starts_per_block, self._updater)
        self.history = History.from_tree(self.config.starts, len(self._divisions), tree["history"])
        for block in self.blocks:
            if block.step > self.config.steps:
                raise ValueError(f"the checkpoint is at step {block.step}, the job has only {self.config.steps}")
            if block.stage != STEPPING and block.step < self.config.steps:
                block.reopen()
        self._course.begin(self.blocks)


def _divide(n: int, width: int) -> list[list[int]]:
    return [list(range(first, min(first + width, n))) for first in range(0, n, width)]
