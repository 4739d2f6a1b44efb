"""Starts that turn non-finite, starts that kill workers, and workers that fail: the others never notice."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from fitting_toy import GROUPS, SPACE, Store, Toy, answer_to, bits, config, differing, run, submits
from virtual import VirtualCluster

from rallax.fitting import Answer, Coordinator, DispatchPolicy, FitError, Tag, WorkItem, perform
from rallax.fitting.dispatch import Dispatcher
from rallax.fitting.events import (
    Answered,
    ItemFailed,
    Report,
    StartWorker,
    StopWorker,
    Submit,
    Tick,
    WorkerJoined,
    WorkerLost,
    WorkerNotStarted,
)
from rallax.fitting.rounds import Round
from rallax.fitting.sweeps import SweepTable
from rallax.fitting.workers import Like

BAD = 3
"""The start that is made to fail; it is lane 1 of block 1."""


def is_bad(tag: Tag) -> bool:
    return tag.phase == "step" and tag.block == 1 and 1 in tag.lanes


def spoiled(when: Callable[[Tag], bool], field: str = "losses", value: float = math.nan) -> Callable[[Answer], Answer]:
    """Answers in which the bad start's part is ``value``."""

    def alter(answer: Answer) -> Answer:
        if not (is_bad(answer.tag) and when(answer.tag)) or answer.gradient is None:
            return answer
        array = np.array(getattr(answer, field))
        array[1] = value
        return dataclasses.replace(answer, **{field: array})

    return alter


def fit(
    settings=None,
    seed: int = 0,
    alter: Callable[[Answer], Answer] = lambda answer: answer,
    poison: Callable[[WorkItem], str] = lambda item: "",
    policy: DispatchPolicy | None = None,
) -> tuple[Coordinator, Store, VirtualCluster]:
    coordinator = Coordinator(settings or config(), SPACE, GROUPS, policy or DispatchPolicy(workers=3, hang=100.0))
    cluster = VirtualCluster(coordinator, Toy(), seed, alter=alter, poison=poison)
    cluster.run()
    store = Store()
    store.commit(coordinator.snapshot())
    return coordinator, store, cluster


def assert_others_untouched(coordinator: Coordinator, store: Store) -> None:
    reference, reference_store = run(config())
    others = [i for i in range(5) if i != BAD]
    for name in ("u", "loss", "losses", "step", "training_loss", "validation_loss"):
        ours, theirs = getattr(coordinator.result(), name), getattr(reference.result(), name)
        assert ours[others].tobytes() == theirs[others].tobytes(), name
    ours, theirs = store.history(), reference_store.history()
    for name in ours:
        if name != "step":
            assert ours[name][:, others].tobytes() == theirs[name][:, others].tobytes(), name


@pytest.mark.parametrize("field, value", [("losses", math.nan), ("losses", math.inf), ("gradient", math.nan)])
def test_a_non_finite_start_steps_back_and_halves_its_updates(field: str, value: float) -> None:
    coordinator, store, cluster = fit(alter=spoiled(lambda tag: tag.step == 4, field, value))
    assert_others_untouched(coordinator, store)
    rows, (_, clean) = store.history(), run(config())
    rate, clean_rate = rows["learning_rate"][:, BAD], clean.history()["learning_rate"][:, BAD]
    # Step 4 failed: no update. It went back to where step 3 began, and from there goes half as far.
    assert np.isnan(rate[4]) and rate[3] == clean_rate[3] and np.all(rate[5:] == 0.5 * clean_rate[5:])
    assert rows["loss"][5, BAD] == rows["loss"][3, BAD]
    assert rows["updates"][:, BAD].tolist() == [0, 1, 2, 3, 4, 3, 4, 5]
    assert [r.data["start"] for r in cluster.reports if r.kind == "start stepped back"] == [BAD]
    assert not coordinator.result().frozen.any()


def test_half_the_update_is_taken_from_the_last_good_parameters_and_state() -> None:
    trees = []
    coordinator = Coordinator(config(), SPACE, GROUPS)

    def check(c: Coordinator) -> None:
        if c.blocks and (not trees or c.blocks[1].step > trees[-1][0]):
            trees.append((c.blocks[1].step, c.snapshot().tree))

    VirtualCluster(coordinator, Toy(), 0, check=check, alter=spoiled(lambda tag: tag.step == 4)).run()
    u = {step: tree["starts"]["u"][BAD] for step, tree in trees}
    adam = {step: tree["optimizer"]["02"][BAD] for step, tree in trees}
    np.testing.assert_array_equal(u[5], u[3])
    np.testing.assert_array_equal(adam[5], adam[3])
    np.testing.assert_allclose(u[6] - u[5], 0.5 * (u[4] - u[3]), rtol=1e-12)
    np.testing.assert_array_equal(adam[6], adam[4])


def test_after_three_times_a_start_is_frozen_at_its_last_good_parameters() -> None:
    coordinator, store, cluster = fit(alter=spoiled(lambda tag: tag.step >= 2))
    assert_others_untouched(coordinator, store)
    rows, result = store.history(), coordinator.result()
    assert np.isfinite(rows["loss"][:2, BAD]).all() and np.isnan(rows["loss"][2:, BAD]).all()
    assert rows["updates"][:, BAD].tolist() == [0, 1, 2, 1, 1, -1, -1, -1]
    assert result.frozen.tolist() == [False, False, False, True, False]
    assert np.isfinite(result.loss[BAD]) and np.isfinite(result.losses[BAD]).all()
    assert sum(r.kind == "start frozen" for r in cluster.reports) == 1


def test_a_start_that_is_never_finite_ends_with_its_candidate() -> None:
    coordinator, _, _ = fit(alter=spoiled(lambda tag: True))
    tree = coordinator.snapshot().tree
    result = coordinator.result()
    assert result.frozen[BAD] and result.step[BAD] == 0
    drawn = SPACE.draw(3, 11)[tree["starts"]["candidate"][BAD]]
    np.testing.assert_array_equal(result.u[BAD], drawn)


def test_a_fit_whose_starts_all_freeze_still_ends() -> None:
    class Broken(Toy):
        def losses_and_gradient(self, group, u, sweeps, weights):
            losses, gradient = super().losses_and_gradient(group, u, sweeps, weights)
            return losses, gradient * np.nan

    coordinator, store = run(config(), Broken())
    assert coordinator.result().frozen.all() and np.isfinite(coordinator.result().loss).all()
    assert store.history()["loss"].shape == (8, 5)


def test_fewer_finite_candidates_than_starts_go_on_without_the_missing() -> None:
    class Picky(Toy):
        def losses(self, group, u, sweeps):
            losses = super().losses(group, u, sweeps)
            return np.where(np.isin(u[:, :1], SPACE.draw(3, 11)[3:, :1]), np.inf, losses)

    coordinator, store = run(config(), Picky())
    result = coordinator.result()
    assert np.isfinite(result.loss).tolist() == [True, True, True, False, False]
    assert np.isnan(store.history()["loss"][:, 3:]).all()
    assert result.ranking.tolist()[3:] == [3, 4]
    again, _ = run(config(), Picky(), tree=store.trees[2])
    assert again.result().u.tobytes() == result.u.tobytes()


def test_no_finite_candidate_is_an_error_in_one_line() -> None:
    class Hopeless(Toy):
        def losses(self, group, u, sweeps):
            return super().losses(group, u, sweeps) * np.nan

    with pytest.raises(FitError, match=r"^none of the 11 candidates has a finite loss; [^\n]*$"):
        run(config(), Hopeless())


def test_candidates_that_all_failed_are_tried_again_on_resume() -> None:
    class Hopeless(Toy):
        def losses(self, group, u, sweeps):
            return super().losses(group, u, sweeps) * np.nan

    store = Store()
    for _ in range(2):
        tree = store.trees[-1] if store.trees else None
        with pytest.raises(FitError, match="none of the 11 candidates"):
            run(config(), Hopeless(), store=store, tree=tree)
    coordinator, resumed = run(config(), tree=store.trees[-1])
    assert differing(bits(coordinator, resumed), bits(*run(config()))) == []


@pytest.mark.parametrize("way", ["kill", "hang", "raise"])
def test_a_poison_start_is_found_by_bisection_and_given_up(way: str) -> None:
    def poison(item: WorkItem) -> str:
        return way if item.kind == "gradient" and is_bad(item.tag) and item.tag.step >= 2 else ""

    coordinator, store, cluster = fit(poison=poison)
    assert_others_untouched(coordinator, store)
    result = coordinator.result()
    assert result.quarantined.tolist() == [False, False, False, True, False]
    assert np.isfinite(result.losses[BAD]).all()
    told = [r for r in cluster.reports if r.kind == "start quarantined"]
    assert told and all("block 1/step 2" in r.message and r.message.startswith(f"start {BAD}: step/") for r in told)
    assert [r.data for r in cluster.reports if r.kind == "start given up"] == [{"block": 1, "step": 2, "start": BAD}]
    assert np.isnan(store.history()["loss"][2:, BAD]).all()


def test_a_start_that_only_kills_when_evaluated_keeps_stepping() -> None:
    def poison(item: WorkItem) -> str:
        return "kill" if item.kind == "losses" and is_bad(item.tag) else ""

    coordinator, store, _ = fit(poison=poison)
    assert_others_untouched(coordinator, store)
    assert np.isnan(store.history()["validation_loss"][:, BAD]).all()
    assert np.isfinite(store.history()["loss"][:, BAD]).all() and not coordinator.result().quarantined.any()


def test_poison_candidates_are_passed_over() -> None:
    worst = SPACE.draw(3, 11)[5]

    def poison(item: WorkItem) -> str:
        lanes = list(item.tag.lanes)
        return "kill" if item.tag.phase == "candidates" and (item.u[lanes] == worst).all(axis=1).any() else ""

    coordinator, _, _ = fit(poison=poison)
    losses = coordinator.result().candidate_losses
    assert np.isnan(losses[5]).all() and np.isfinite(np.delete(losses, 5, axis=0)).all()


def test_a_quarantined_start_is_not_held_against_the_workers() -> None:
    def poison(item: WorkItem) -> str:
        return "kill" if item.kind == "gradient" and is_bad(item.tag) and item.tag.step >= 2 else ""

    coordinator, _, cluster = fit(poison=poison, policy=DispatchPolicy(workers=1, in_flight=1, failures=4))
    assert sum(r.kind == "worker lost" for r in cluster.reports) >= 4
    assert coordinator.dispatcher.budgets.failures == 0


def test_a_problem_that_always_raises_ends_the_fit_with_its_message() -> None:
    class Raising(Toy):
        def losses(self, group, u, sweeps):
            raise ZeroDivisionError("no such\nmechanism")

    store = Store()
    with pytest.raises(FitError, match=r"^none of the 11 candidates .* ZeroDivisionError: no such mechanism$"):
        run(config(), Raising(), store=store)
    assert len(store.trees) == 1


def test_a_gradient_that_always_raises_ends_the_fit_with_its_message_again_and_again() -> None:
    class Raising(Toy):
        def losses_and_gradient(self, group, u, sweeps, weights):
            raise ZeroDivisionError("no gradient")

    store = Store()
    with pytest.raises(FitError, match=r"every start has been given up .* no gradient$"):
        run(config(), Raising(), store=store)
    with pytest.raises(FitError, match=r"every start has been given up"):
        run(config(), Raising(), tree=store.trees[-1])


# --- the dispatcher by itself ---------------------------------------------------------------------------------------


def dispatcher(lanes: int = 4, **policy: object) -> tuple[Dispatcher, Round]:
    machine = Dispatcher(DispatchPolicy(**({"workers": 2} | policy)))  # type: ignore[arg-type]
    table = SweepTable(GROUPS, (4, 2))
    work = Round("step", 0, 0, np.arange(3.0 * lanes).reshape(lanes, 3), range(lanes), table.plan("gradient", (0, 1)))
    machine.begin()
    machine.open(work)
    return machine, work


def test_items_are_padded_to_the_lane_shape() -> None:
    _, work = dispatcher()
    item = work.item(0, (1, 3))
    assert item.sweeps.tolist() == [0, 1, 0, 0] and item.weights.tolist() == [1 / 3, 2 / 3, 0.0, 0.0]
    np.testing.assert_array_equal(item.u, work.u[[1, 1, 1, 3]])


def test_a_double_or_late_answer_changes_nothing() -> None:
    machine, work = dispatcher()
    machine.handle(WorkerJoined("a", "cpu"), 0.0)
    (submit,) = submits(machine.assign(0.0))
    _, done = machine.handle(answer_to(submit), 1.0)
    assert done == [work]
    before = work.losses("gradient", 6).copy()
    wrong = Answer(submit.item.tag, np.full((4, 4), 9.0), np.zeros((4, 3)))
    assert machine.handle(Answered("a", wrong), 2.0) == ([], [])
    np.testing.assert_array_equal(work.losses("gradient", 6), before)


def test_a_lost_worker_is_replaced_and_its_item_goes_elsewhere() -> None:
    machine, _ = dispatcher()
    machine.handle(WorkerJoined("a", "cpu"), 0.0)
    (first,) = submits(machine.assign(0.0))
    actions, _ = machine.handle(WorkerLost("a", preempted=True, detail="spot"), 1.0)
    assert StartWorker() in actions and (machine.budgets.preemptions, machine.budgets.failures) == (1, 0)
    machine.handle(WorkerJoined("b", "cpu"), 2.0)
    (again,) = submits(machine.assign(2.0))
    assert again.worker == "b" and again.item.tag == first.item.tag
    np.testing.assert_array_equal(again.item.u, first.item.u)


def test_only_the_item_being_computed_is_suspected() -> None:
    machine, work = dispatcher()
    other = Round("step", 1, 0, work.u, range(4), work.chunks)
    machine.open(other)
    machine.handle(WorkerJoined("a", "cpu"), 0.0)
    assert len(submits(machine.assign(0.0))) == 2
    machine.handle(WorkerLost("a", preempted=False, detail="killed"), 1.0)
    assert [task.strikes for task in machine.backlog.queue] == [1, 0]
    assert [task.round for task in machine.backlog.queue] == [work, other]


def test_a_start_is_given_up_only_when_two_processes_have_failed_at_it() -> None:
    """A process that is broken and lives fails at everything: what it says alone costs it its place, no start."""
    machine, work = dispatcher(strikes=2)
    machine.handle(WorkerJoined("broken", "cpu"), 0.0)
    now, ended = 0.0, False
    while not ended:
        (submit, *_), now = submits(machine.assign(now)), now + 1.0
        while not ended:
            actions, done = machine.handle(ItemFailed("broken", submit.item.tag, "sticky error"), now)
            assert not done and not any(isinstance(a, Report) and a.kind == "start quarantined" for a in actions)
            ended = StopWorker("broken", forget=True) in actions
            found = submits(machine.assign(now))
            if ended or not found:
                break
            submit = found[0]
    assert StartWorker() in actions
    machine.handle(WorkerJoined("sound", "cpu"), now)
    done = []
    while not done:
        for submit in submits(machine.assign(now)):
            done += machine.handle(answer_to(submit), now)[1]
    assert done == [work] and not work.quarantined("gradient")


def test_a_start_without_one_trace_keeps_its_others_whichever_came_first() -> None:
    table = SweepTable(GROUPS, (4, 2))
    u, chunks = np.zeros((4, 3)), table.plan("traces", table.columns)
    found = []
    for order in (range(len(chunks)), reversed(range(len(chunks)))):
        work = Round("traces", 0, 0, u, range(4), chunks)
        for chunk in order:
            if chunk == 1:
                work.quarantine(1, 2)
            item = work.item(chunk, work.missing(chunk, work.lanes))
            work.accept(perform(Toy(), item))
        assert work.complete
        found.append(sorted(work.traces))
    assert found[0] == found[1] and any(lane == 2 for lane, _ in found[0])


def test_bisected_halves_give_what_the_whole_gives() -> None:
    machine, work = dispatcher(strikes=1)
    whole = answer_to(Submit("x", work.item(0, work.lanes))).answer
    machine.handle(WorkerJoined("a", "cpu"), 0.0)
    (submit,) = submits(machine.assign(0.0))
    machine.handle(ItemFailed("a", submit.item.tag, "by chance"), 1.0)
    halves = submits(machine.assign(1.0))
    assert [h.item.tag.lanes for h in halves] == [(0, 1), (2, 3)]
    for half in halves:
        _, done = machine.handle(answer_to(half), 2.0)
    assert done == [work]
    assert whole.gradient is not None and work.gradient().tobytes() == whole.gradient.tobytes()


def test_a_straggler_is_duplicated_once_and_the_first_answer_counts() -> None:
    machine, work = dispatcher(in_flight=1, straggler_least=10.0)
    for like in range(3):
        machine._lateness.add(Like("gradient", 0, warm=False), 1.0 + like)
    machine.handle(WorkerJoined("slow", "cpu"), 0.0)
    machine.handle(WorkerJoined("idle", "cpu"), 0.0)
    (first,) = submits(machine.assign(0.0))
    assert submits(machine.handle(Tick(), 9.0)[0]) == []
    (copy,) = submits(machine.handle(Tick(), 11.0)[0])
    assert {first.worker, copy.worker} == {"slow", "idle"} and copy.item.tag == first.item.tag
    assert submits(machine.handle(Tick(), 30.0)[0]) == []
    assert machine.handle(answer_to(copy), 31.0)[1] == [work]
    assert machine.handle(answer_to(first), 99.0) == ([], [])


def test_a_hanging_worker_is_ended_and_its_item_suspected() -> None:
    machine, _ = dispatcher(hang=60.0)
    machine.handle(WorkerJoined("a", "cpu"), 0.0)
    machine.assign(0.0)
    assert machine.handle(Tick(), 59.0)[0] == []
    actions, _ = machine.handle(Tick(), 61.0)
    assert StopWorker("a") in actions
    assert not any(isinstance(a, StopWorker) for a in machine.handle(Tick(), 62.0)[0])
    machine.handle(WorkerLost("a", preempted=False, detail="ended"), 63.0)
    assert machine.backlog.queue[0].strikes == 1


def test_another_device_class_is_refused_unless_mixing_is_allowed() -> None:
    machine, _ = dispatcher()
    machine.handle(WorkerJoined("a", "cpu:x"), 0.0)
    actions, _ = machine.handle(WorkerJoined("b", "gpu:y"), 0.0)
    assert StopWorker("b", forget=True) in actions and len(machine.fleet) == 1
    mixing, _ = dispatcher(mixed_devices=True)
    mixing.handle(WorkerJoined("a", "cpu:x"), 0.0)
    mixing.handle(WorkerJoined("b", "gpu:y"), 0.0)
    assert len(mixing.fleet) == 2


@pytest.mark.parametrize("elastic", [False, True])
def test_a_run_goes_on_only_on_its_own_device_class(elastic: bool) -> None:
    machine = Dispatcher(DispatchPolicy(workers=1, elastic=elastic), device="cpu:x")
    machine.begin()
    with pytest.raises(FitError, match=r"cpu:y.*cpu:x"):
        machine.handle(WorkerJoined("a", "cpu:y"), 0.0)


@pytest.mark.parametrize(
    "events, words",
    [
        ([WorkerNotStarted("no CPU", retry=False)] * 2, "none is on its way: no CPU"),
        ([WorkerNotStarted("cannot import")] * 2, "no worker could be started: cannot import"),
        ([e for w in "ab" for e in (WorkerJoined(w, "c"), WorkerLost(w, False, f"{w} fell"))], "^2 workers.*b fell"),
        ([e for w in "ab" for e in (WorkerJoined(w, "c"), WorkerLost(w, True, f"{w} went"))], "^2 workers.*b went"),
    ],
)
def test_budgets_end_the_fit_in_one_line(events: list, words: str) -> None:
    machine = Dispatcher(DispatchPolicy(workers=2, failures=1, preemptions=1))
    machine.begin()
    with pytest.raises(FitError, match=words) as caught:
        for event in events:
            machine.handle(event, 0.0)
    assert "\n" not in str(caught.value)


def test_an_elastic_worker_that_nobody_asked_for_is_taken_up() -> None:
    machine, _ = dispatcher(in_flight=1)
    for name in "abc":
        machine.handle(WorkerJoined(name, "cpu"), 0.0)
    assert len(machine.fleet) == 3
    actions, _ = machine.handle(WorkerLost("c", True, "left"), 1.0)
    assert StartWorker() not in actions


def test_the_same_failure_twice_leaves_the_same_bits() -> None:
    def poison(item: WorkItem) -> str:
        return "kill" if item.kind == "gradient" and is_bad(item.tag) and item.tag.step >= 2 else ""

    first, second = (bits(*fit(seed=seed, poison=poison)[:2]) for seed in (1, 2))
    assert differing(first, second) == []
