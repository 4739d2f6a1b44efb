"""The result is a function of configuration and problem: whatever workers, order, faults and interruptions do."""

from __future__ import annotations

import random

import numpy as np
import pytest
from fitting_toy import Store, Toy, bits, config, differing, run
from virtual import VirtualCluster

from rallax.fitting import Coordinator, DispatchPolicy, FitConfig

SETTINGS = {
    "all sweeps": config(),
    "sweeps drawn": config(sweeps_per_step=2),
    "schedule and momentum": config(
        optimizer={
            "name": "sgd",
            "learning_rate": {"name": "cosine_decay_schedule", "init_value": 0.1, "decay_steps": 8},
            "momentum": 0.9,
        }
    ),
    "polyak": config(optimizer={"name": "polyak", "mu": 0.05, "beta": 0.9}),
}


def in_virtual_time(settings: FitConfig, seed: int, workers: int, faults: float, tree=None, store=None, until=None):
    policy = DispatchPolicy(workers=workers, failures=10_000, preemptions=10_000, hang=300.0)
    coordinator = Coordinator(settings, Toy.space, Toy.groups, policy, tree=tree)
    store = store or Store()

    def check(c: Coordinator) -> None:
        check_invariants(c)
        if c.blocks and random.Random(c.slowest_step + seed).random() < 0.1:
            snapshot = c.snapshot()
            store.commit(snapshot)
            c.committed(snapshot)

    cluster = VirtualCluster(coordinator, Toy(), seed, faults=faults, check=check)
    cluster.run(should_stop=(lambda: cluster.events >= until) if until is not None else (lambda: False))
    snapshot = coordinator.snapshot()
    store.commit(snapshot)
    coordinator.committed(snapshot)
    return coordinator, store, cluster


def check_invariants(c: Coordinator) -> None:
    """No lane is forgotten, no worker overloaded, nothing runs twice in the queue, no block goes back."""
    dispatcher = c.dispatcher
    covered: dict[tuple, set[int]] = {}
    queued = [*dispatcher.backlog.queue, *dispatcher.backlog.apart]
    assert len({id(task) for task in queued}) == len(queued)
    for task in queued:
        assert not task.runners
        covered.setdefault((task.round.key, task.chunk), set()).update(task.lanes)
    for worker in dispatcher.fleet:
        assert worker.load <= dispatcher.policy.in_flight
        for task in worker.flight.values():
            assert worker.name in task.runners
            covered.setdefault((task.round.key, task.chunk), set()).update(task.lanes)
    for work in dispatcher.rounds.values():
        assert not work.complete
        for chunk in range(len(work.chunks)):
            missing = set(work.missing(chunk, work.lanes))
            assert missing <= covered.get((work.key, chunk), set())
    for block in c.blocks:
        assert 0 <= block.step <= c.config.steps
        assert block.finished or any(key[1] == block.index for key in dispatcher.rounds)
    if dispatcher.backlog.queue and not c.done:
        assert all(w.load == dispatcher.policy.in_flight or w.closed for w in dispatcher.fleet)


@pytest.mark.parametrize("name", SETTINGS)
def test_same_bits_for_any_number_of_workers_and_any_order(name: str) -> None:
    reference = bits(*run(SETTINGS[name]))
    for seed, workers in enumerate((1, 2, 3, 20)):
        coordinator, store, _ = in_virtual_time(SETTINGS[name], seed, workers, faults=0.0)
        assert differing(bits(coordinator, store), reference) == []


@pytest.mark.parametrize("seed", range(6))
def test_same_bits_under_faults(seed: int) -> None:
    settings = config(steps=25, starts=13, candidates=40, sweeps_per_step=3 * (seed % 2))
    reference = bits(*run(settings))
    coordinator, store, cluster = in_virtual_time(settings, seed, workers=5, faults=1.0)
    kinds = {report.kind for report in cluster.reports}
    assert {"worker lost", "item duplicated"} <= kinds
    assert differing(bits(coordinator, store), reference) == []


def test_many_workers_under_faults() -> None:
    settings = config(steps=3, starts=120, candidates=300, evaluate_every=100)
    reference = bits(*run(settings))
    policy = DispatchPolicy(workers=200, failures=10_000, preemptions=10_000, hang=300.0)
    coordinator, store = Coordinator(settings, Toy.space, Toy.groups, policy), Store()
    cluster = VirtualCluster(coordinator, Toy(), 0, faults=1.0)

    def check(c: Coordinator) -> None:
        if cluster.events % 100 == 0:
            check_invariants(c)

    cluster.check = check
    cluster.run()
    snapshot = coordinator.snapshot()
    store.commit(snapshot)
    assert cluster.events > 2000 and differing(bits(coordinator, store), reference) == []


@pytest.mark.parametrize("name", SETTINGS)
def test_resume_at_every_commit_ends_as_if_never_interrupted(name: str) -> None:
    settings = SETTINGS[name]
    coordinator, store = run(settings, checkpoint_every=1)
    reference = bits(coordinator, store)
    assert len(store.trees) >= settings.steps
    for i, tree in enumerate(store.trees):
        resumed_store = Store()
        resumed_store.segments = store.segments[: i + 1]
        resumed, _ = run(settings, tree=tree, store=resumed_store, checkpoint_every=3)
        assert differing(bits(resumed, resumed_store), reference) == []


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_random_events_and_resumed_from_the_last_commit(seed: int) -> None:
    settings = config(steps=12, sweeps_per_step=2)
    reference = bits(*run(settings))
    rng = random.Random(seed)
    store = Store()
    for _ in range(6):
        tree = store.trees[-1] if store.trees else None
        kept = Store()
        kept.trees, kept.segments = list(store.trees), list(store.segments)
        coordinator, kept, _ = in_virtual_time(
            settings, rng.randrange(1000), workers=3, faults=0.5, tree=tree, store=kept, until=rng.randrange(5, 60)
        )
        if coordinator.done:
            break
        # What the last commit of the virtual run holds is lost half of the time: killed before it was written.
        drop = rng.randrange(2)
        store.trees = kept.trees[: len(kept.trees) - drop]
        store.segments = kept.segments[: len(kept.trees) - drop]
    tree = store.trees[-1] if store.trees else None
    coordinator, store = run(settings, tree=tree, store=store)
    assert differing(bits(coordinator, store), reference) == []


def test_snapshot_before_the_starts_are_chosen_can_be_resumed() -> None:
    reference = bits(*run(config()))
    coordinator = Coordinator(config(), Toy.space, Toy.groups)
    cluster = VirtualCluster(coordinator, Toy(), 0)
    cluster.run(should_stop=lambda: coordinator.progress().candidates_done >= 4)
    tree = coordinator.snapshot().tree
    assert not coordinator.blocks and 4 <= tree["candidates"]["evaluated"].sum() < 11
    assert differing(bits(*run(config(), tree=tree)), reference) == []


@pytest.mark.parametrize("sweeps_per_step", [0, 2])
def test_an_extended_fit_equals_one_that_was_longer_from_the_start(sweeps_per_step: int) -> None:
    short, store = run(config(steps=5, sweeps_per_step=sweeps_per_step))
    longer = config(steps=8, sweeps_per_step=sweeps_per_step)
    extended, store = run(longer, tree=store.trees[-1], store=store)
    assert short.done and differing(bits(extended, store), bits(*run(longer))) == []


def test_a_finished_fit_asks_for_no_workers() -> None:
    _, store = run(config())
    again = Coordinator(config(), Toy.space, Toy.groups, tree=store.trees[-1])
    assert again.done and again.begin() == []


def test_a_stop_commits_and_goes_on_later() -> None:
    reference = bits(*run(config()))
    calls = iter(range(10_000))
    store = Store()
    coordinator, _ = run(config(), store=store, should_stop=lambda: next(calls) > 30)
    assert not coordinator.done
    resumed, _ = run(config(), tree=store.trees[-1], store=store)
    assert differing(bits(resumed, store), reference) == []


def test_a_committed_snapshot_is_not_written_again() -> None:
    coordinator = Coordinator(config(), Toy.space, Toy.groups)
    taken = []

    def check(c: Coordinator) -> None:
        if c.blocks and not taken:
            snapshot = c.snapshot()
            taken.append((snapshot, {k: np.array(v) for k, v in snapshot.tree["starts"].items()}))

    VirtualCluster(coordinator, Toy(), 1, check=check).run()
    snapshot, copies = taken[0]
    for name, copy in copies.items():
        np.testing.assert_array_equal(snapshot.tree["starts"][name], copy)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"seed": 4}, "seed"),
        ({"candidates": 12}, "candidates"),
        ({"optimizer": {"name": "sgd", "learning_rate": 0.1}}, "optimiser"),
        ({"steps": 2}, "step 8"),
    ],
)
def test_a_tree_of_another_fit_is_refused(changes: dict, words: str) -> None:
    _, store = run(config())
    with pytest.raises(ValueError, match=words):
        Coordinator(config(**changes), Toy.space, Toy.groups, tree=store.trees[-1])
