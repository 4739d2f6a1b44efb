"""Commits: what stays, how history joins, who may write."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rallax.storage import DamagedRun, Fenced, LocalStore, NotStorable, RunStore, StorageError, Variable
from rallax.storage.layout import Label


def advance(run: RunStore, fit, steps: int, **options) -> int:
    history = fit.advance(steps)
    return run.commit(fit.tree(), history=history, step=fit.step, **options)


def test_commit_and_read_back(run, kit):
    assert run.claim_epoch() == 1
    fit = kit.ToyFit()
    assert advance(run, fit, 3, attrs={"note": "x"}) == 1
    assert advance(run, fit, 2) == 2
    reader = RunStore.open(run.location)
    kit.assert_state(reader, step=5)
    assert reader.latest().seq == 2 and reader.checkpoint(1).attrs == {"note": "x"}
    assert reader.latest().tree["optimizer"]["count"].shape == () and reader.latest().skipped == ()
    with pytest.raises(StorageError, match=r"no checkpoint 7; stored are \[1, 2\]"):
        reader.checkpoint(7)


def test_the_last_k_and_the_newest_best_stay(run, kit):
    run.claim_epoch()
    fit = kit.ToyFit()
    for number in range(1, 8):
        advance(run, fit, 1, keep=2, best=number in (1, 3))
    assert [commit.label.seq for commit in run.commits()] == [3, 6, 7]
    folder = Path(run.location, "run.zarr/checkpoints")
    assert sorted(p.name for p in folder.iterdir()) == [
        *(Label(n, 1).checkpoint.split("/")[1] for n in (3, 6, 7)),
        "zarr.json",
    ]
    kit.assert_state(run, step=7)
    assert [commit.step for commit in run.commits() if commit.best] == [3]


def test_a_commit_without_new_rows_adds_no_segment(run, kit):
    run.claim_epoch()
    fit = kit.ToyFit()
    advance(run, fit, 0)
    assert run.history() == {}
    advance(run, fit, 2)
    run.commit(fit.tree(), step=2)
    assert len(run.latest().commit.segments) == 1
    kit.assert_state(run, step=2)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=5))
def test_history_does_not_depend_on_interruptions(kit, pieces):
    """However the steps are cut into commits and processes, the joined history is the same."""
    folder = kit.memory_folder()
    run = kit.make_run(folder / "run")
    run.claim_epoch()
    fit = kit.ToyFit()
    for steps, interrupted in pieces:
        advance(run, fit, steps, keep=1)
        if interrupted:
            fit.advance(2)  # lost with the process
            run = RunStore.open(run.location, write=True)
            run.claim_epoch()
            fit = kit.ToyFit(run.latest())
    kit.assert_state(RunStore.open(run.location), step=sum(steps for steps, _ in pieces))
    shutil.rmtree(folder)


def test_given_coordinates_stay(run):
    run.claim_epoch()
    for first in (10, 13):
        history = {
            "loss": Variable(np.ones((3, 2)), ("step", "start")),
            "step": Variable(np.arange(first, first + 3), ("step",)),
            "start": Variable(np.array([4, 9]), ("start",)),
        }
        run.commit({}, history=history, step=first)
    history = run.history()
    assert history["step"].data.tolist() == [10, 11, 12, 13, 14, 15] and history["start"].data.tolist() == [4, 9]


@pytest.mark.parametrize("reopen", [False, True])
@pytest.mark.parametrize(
    "other",
    [
        {"loss": Variable(np.ones((1, 3)), ("step", "start"))},
        {"loss": Variable(np.ones((1, 2), np.float32), ("step", "start"))},
        {"loss": Variable(np.ones((1, 2)), ("step", "site"))},
        {"loss": Variable(np.ones((1, 2)), ("step", "start"), "mV")},
        {"other": Variable(np.ones((1, 2)), ("step", "start"))},
        {"loss": Variable(np.ones((1, 2)), ("start", "step"))},
    ],
)
def test_history_that_does_not_continue_is_refused_before_anything_is_written(run, other, reopen):
    run.claim_epoch()
    run.commit({}, history={"loss": Variable(np.ones((1, 2)), ("step", "start"))}, step=1)
    if reopen:
        run = RunStore.open(run.location, write=True)
        run.claim_epoch()
    before = sorted(Path(run.location).rglob("*"))
    with pytest.raises(NotStorable, match=r"^history [^\n]+$"):
        run.commit({}, history=other, step=2)
    assert sorted(Path(run.location).rglob("*")) == before
    run.commit({}, history={"loss": Variable(np.zeros((1, 2)), ("step", "start"))}, step=2)
    assert run.history()["loss"].data[:, 0].tolist() == [1.0, 0.0]


def test_keep_of_zero_is_refused(run):
    run.claim_epoch()
    with pytest.raises(NotStorable, match="keep = 0"):
        run.commit({}, step=0, keep=0)


def test_committing_needs_a_claim(run):
    with pytest.raises(Fenced, match=r"claim_epoch\(\)"):
        run.commit({}, step=0)


def test_a_second_writer_fences_the_first(run, kit):
    run.claim_epoch()
    fit = kit.ToyFit()
    advance(run, fit, 2)
    second = RunStore.open(run.location, write=True)
    assert second.claim_epoch() == 2
    for act in (
        lambda: advance(run, fit, 2),
        lambda: run.write_traces("IV_265", {"voltage": Variable(np.ones(2), ("start",))}),
    ):
        with pytest.raises(Fenced, match=r"^[^\n]*epoch 2 after 1[^\n]*$"):
            act()
    other = kit.ToyFit(second.latest())
    advance(second, other, 1)
    kit.assert_state(RunStore.open(run.location), step=3)


def writes_of_a_commit(kit, folder: Path) -> list[str]:
    kit.make_run(folder)
    store = kit.FaultyStore(LocalStore(folder))
    run = RunStore.open(store, write=True)
    run.claim_epoch()
    fit = kit.ToyFit()
    advance(run, fit, 2, keep=1)
    store.writes.clear()
    advance(run, fit, 2, keep=1)
    return store.writes


def test_a_writer_frozen_at_any_write_cannot_commit_once_another_took_over(kit, quick_path):
    """Before each write of a commit the writer is frozen, another process takes over and commits; then it wakes up."""
    names = writes_of_a_commit(kit, quick_path / "count")
    commit_key = max(i for i, name in enumerate(names) if name.endswith("seq-000002-epoch-0001/zarr.json"))
    assert commit_key == len(names) - 5  # sync, index, sync, deletion of the old one
    for at in range(len(names)):
        place = quick_path / str(at)
        kit.make_run(place)
        store = kit.FaultyStore(LocalStore(place))
        frozen = RunStore.open(store, write=True)
        frozen.claim_epoch()
        fit = kit.ToyFit()
        advance(frozen, fit, 2, keep=1)
        start = len(store.writes)

        def take_over(_: str, store=store, start=start, at=at, place=place) -> None:
            if len(store.writes) == start + at:
                store.before = lambda name: None
                second = RunStore.open(place, write=True)
                second.claim_epoch()
                other = kit.ToyFit(second.latest())
                # 3 steps: unlike the frozen one's 2
                advance(second, other, 3, keep=1)

        store.before = take_over
        if at <= commit_key + 1:  # from then on its own commit was seen and built on; it is told at its next one
            with pytest.raises(Fenced):
                advance(frozen, fit, 2, keep=1)
        else:
            advance(frozen, fit, 2, keep=1)
        with pytest.raises(Fenced):
            advance(frozen, fit, 2, keep=1)
        reader = RunStore.open(place)
        kit.assert_state(reader, step=5 if at <= commit_key else 7)
        assert reader.verify() == []
        third = RunStore.open(place, write=True)
        third.claim_epoch()
        step = kit.assert_state(third)
        advance(third, kit.ToyFit(third.latest()), 1, keep=1)
        kit.assert_state(third, step=step + 1)


def test_a_claim_made_while_the_other_commits_builds_on_that_commit(run, kit):
    """The first process commits, with keep = 1, between the second one's look at the run and its claim."""
    run.claim_epoch()
    fit = kit.ToyFit()
    advance(run, fit, 2, keep=1)
    store = kit.FaultyStore(LocalStore(Path(run.location)))

    def commit_once(name: str) -> None:
        if name.endswith(".claim"):
            store.before = lambda name: None
            advance(run, fit, 2, keep=1)

    store.before = commit_once
    second = RunStore.open(store, write=True)
    assert second.claim_epoch() == 2
    kit.assert_state(second, step=4)
    with pytest.raises(Fenced):
        advance(run, fit, 1)


def test_one_frozen_while_it_takes_over_harms_not_who_took_over_after_it(kit, quick_path):
    """At each write of a claim it is frozen; another claims, and drops the checkpoints that the claim saw."""
    at = 0
    while True:
        place = quick_path / str(at)
        first = kit.make_run(place)
        first.claim_epoch()
        fit = kit.ToyFit()
        for _ in range(3):
            advance(first, fit, 1, keep=1)
        store = kit.FaultyStore(LocalStore(place))
        took_over: list[RunStore] = []

        def take_over(_: str, store=store, at=at, place=place, took_over=took_over) -> None:
            if len(store.writes) == at:
                store.before = lambda name: None
                third = RunStore.open(place, write=True)
                third.claim_epoch()
                other = kit.ToyFit(third.latest())
                for _ in range(3):
                    advance(third, other, 1, keep=1)
                took_over.append(third)

        store.before = take_over
        frozen = RunStore.open(store, write=True)
        try:
            frozen.claim_epoch()
            if took_over:
                advance(frozen, kit.ToyFit(frozen.latest()), 1, keep=1)
                assert frozen.latest().commit.label.epoch > took_over[0].latest().commit.label.epoch or at == 0
        except Fenced:
            pass
        if not took_over:
            break
        assert kit.assert_state(RunStore.open(place)) >= 6, at
        assert RunStore.open(place).verify() == [], at
        at += 1
    assert at > 5


def test_a_copy_without_its_epochs_is_named_and_not_built_upon(run, kit):
    run.claim_epoch()
    advance(run, kit.ToyFit(), 2)
    shutil.rmtree(Path(run.location) / ".rallax")
    copy = RunStore.open(run.location, write=True)
    for act in (copy.latest, copy.claim_epoch):
        with pytest.raises(DamagedRun, match=r"\.rallax/epochs: is missing"):
            act()
    assert not (Path(run.location) / ".rallax/epochs").exists()


@pytest.mark.parametrize("how", ["die before", "die after", "refuse"])
def test_a_takeover_that_stops_at_any_write_harms_nothing(kit, quick_path, how):
    at = 0
    while True:
        place = quick_path / str(at)
        first = kit.make_run(place)
        first.claim_epoch()
        fit = kit.ToyFit()
        advance(first, fit, 2, keep=1)
        store = kit.FaultyStore(LocalStore(place), at, how)
        try:
            RunStore.open(store, write=True).claim_epoch()
        except (kit.Killed, StorageError):
            pass
        else:
            break
        kit.assert_state(RunStore.open(place), step=2)
        try:
            advance(first, fit, 1, keep=1)  # goes on, unless the claim was made
        except Fenced:
            assert list(place.glob(".rallax/epochs/00000002.claim"))
        step = kit.assert_state(RunStore.open(place))
        third = RunStore.open(place, write=True)
        third.claim_epoch()
        advance(third, kit.ToyFit(third.latest()), 1, keep=1)
        kit.assert_state(third, step=step + 1)
        assert third.verify() == []
        at += 1
    assert at >= 6  # claim, sync, base, sync, tidy, index, …


def test_many_claims_at_once_leave_one_writer(run, kit):
    from concurrent.futures import ThreadPoolExecutor

    runs = [RunStore.open(run.location, write=True) for _ in range(6)]

    def claim(each: RunStore) -> int:
        try:
            return each.claim_epoch()
        except Fenced:  # another was faster
            return 0

    with ThreadPoolExecutor(6) as pool:
        epochs = [epoch for epoch in pool.map(claim, runs) if epoch]
    assert len(set(epochs)) == len(epochs) and max(epochs) == 6
    done = 0
    for each in runs:
        try:
            advance(each, kit.ToyFit(each.latest()), 1)
            done += 1
        except Fenced:
            pass
    assert done == 1
    kit.assert_state(run, step=1)


def test_names_that_are_not_ours_are_left_alone(run, kit):
    run.claim_epoch()
    advance(run, kit.ToyFit(), 1)
    mine = Path(run.location, "run.zarr/checkpoints/notes")
    mine.mkdir()
    (mine / "a.txt").write_text("x")
    second = RunStore.open(run.location, write=True)
    second.claim_epoch()
    assert (mine / "a.txt").read_text() == "x"
    kit.assert_state(second, step=1)
