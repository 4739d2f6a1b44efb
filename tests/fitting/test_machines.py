"""Machines whose memory runs out, that leave, and that join; and what is late."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fitting_toy import GROUPS, answer_to, submits

from rallax.fitting import DispatchPolicy
from rallax.fitting.dispatch import Dispatcher
from rallax.fitting.events import (
    ItemFailed,
    Report,
    RoomFor,
    StartWorker,
    StopWorker,
    Tick,
    WorkerJoined,
    WorkerLeaving,
    WorkerLost,
)
from rallax.fitting.memory import ran_out_of_memory
from rallax.fitting.rounds import Round
from rallax.fitting.sweeps import SweepTable


def machine(rounds: int = 2, **policy: object) -> Dispatcher:
    dispatcher = Dispatcher(DispatchPolicy(**({"workers": 2, "in_flight": 1} | policy)))  # type: ignore[arg-type]
    plan = SweepTable(GROUPS, (4, 2)).plan("gradient", (0, 1))
    dispatcher.begin()
    for block in range(rounds):
        dispatcher.open(Round("step", block, 0, np.arange(12.0).reshape(4, 3), range(4), plan))
    return dispatcher


def kinds(actions: list) -> list[str]:
    return [action.kind for action in actions if isinstance(action, Report)]


def test_memory_that_runs_out_beside_another_item_lets_it_run_alone_and_then_fewer_at_once() -> None:
    fit = machine(rounds=4)
    for worker in "ab":
        fit.handle(WorkerJoined(worker, "cpu", "n"), 0.0)
    first, second = submits(fit.assign(0.0))
    actions, _ = fit.handle(ItemFailed(first.worker, first.item.tag, "RESOURCE_EXHAUSTED", out_of_memory=True), 1.0)
    assert "item set apart" in kinds(actions) and fit.budgets.failures == 0
    # The machine is kept free until the other item is done.
    assert submits(fit.assign(1.0)) == []
    fit.handle(answer_to(second), 2.0)
    (alone,) = submits(fit.assign(2.0))
    assert alone.item.tag == first.item.tag and alone.item.u.tobytes() == first.item.u.tobytes()
    actions, done = fit.handle(answer_to(alone), 3.0)
    assert kinds(actions) == ["fewer items at once"] and len(done) == 1
    assert len(submits(fit.assign(3.0))) == 1


def test_an_item_that_runs_out_of_memory_alone_is_cut_in_two() -> None:
    fit = machine(rounds=1, strikes=1)
    fit.handle(WorkerJoined("a", "cpu", "n"), 0.0)
    (only,) = submits(fit.assign(0.0))
    actions, _ = fit.handle(ItemFailed("a", only.item.tag, "RESOURCE_EXHAUSTED", out_of_memory=True), 1.0)
    assert "item bisected" in kinds(actions)
    (half,) = submits(fit.assign(1.0))
    assert half.item.tag.lanes == (0, 1) and half.item.u.shape == only.item.u.shape


def test_a_worker_that_died_beside_another_is_judged_alone_before_its_item_is_cut() -> None:
    fit = machine(rounds=2, strikes=1)
    for worker in "ab":
        fit.handle(WorkerJoined(worker, "cpu", "n"), 0.0)
    first, _ = submits(fit.assign(0.0))
    actions, _ = fit.handle(WorkerLost(first.worker, preempted=False, detail="killed"), 1.0)
    assert "item set apart" in kinds(actions) and "item bisected" not in kinds(actions)


def test_a_worker_that_is_to_leave_finishes_and_is_replaced() -> None:
    fit = machine(rounds=3)
    for worker in "ab":
        fit.handle(WorkerJoined(worker, "cpu", worker), 0.0)
    first, _ = submits(fit.assign(0.0))
    actions, _ = fit.handle(WorkerLeaving(first.worker, "spot"), 1.0)
    assert actions.count(StartWorker()) == 1
    actions, done = fit.handle(answer_to(first), 2.0)
    assert StopWorker(first.worker, forget=True) in actions and len(done) == 1
    assert submits(fit.assign(2.0)) == [] and len(fit.fleet) == 1


def test_an_elastic_fit_takes_what_there_is_up_to_its_most() -> None:
    fit = machine(workers=1, elastic=True, most_workers=3)
    actions, _ = fit.handle(RoomFor(2), 0.0)
    assert actions.count(StartWorker()) == 1
    actions, _ = fit.handle(RoomFor(8), 0.0)
    assert actions.count(StartWorker()) == 1 and fit.wanted == 3
    fixed = machine(workers=1)
    assert fixed.handle(RoomFor(8), 0.0) == ([], [])


def test_by_default_a_hang_is_told_by_the_median_and_compiling_is_none() -> None:
    fit = machine(rounds=6, workers=1)
    fit.handle(WorkerJoined("a", "cpu"), 0.0)
    now = 0.0
    # The first compiles for a quarter of an hour; then four of 20 s.
    for seconds in (900.0, 20.0, 20.0, 20.0, 20.0):
        (item,) = submits(fit.assign(now))
        assert StopWorker("a") not in fit.handle(Tick(), now + 0.99 * seconds)[0]
        now += seconds
        fit.handle(answer_to(item), now)
    submits(fit.assign(now))
    assert StopWorker("a") not in fit.handle(Tick(), now + 599.0)[0]
    assert StopWorker("a") in fit.handle(Tick(), now + 601.0)[0]


def test_an_infinite_limit_never_ends_a_worker() -> None:
    fit = machine(hang=math.inf)
    fit.handle(WorkerJoined("a", "cpu"), 0.0)
    fit.assign(0.0)
    assert fit.handle(Tick(), 1e9)[0] == []


@pytest.mark.parametrize(
    "error, memory",
    [
        (MemoryError(), True),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."), True),
        (RuntimeError("INTERNAL: something"), False),
    ],
)
def test_want_of_memory_is_told_from_the_message(error: Exception, memory: bool) -> None:
    assert ran_out_of_memory(error) is memory
