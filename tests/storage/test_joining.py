"""Segments of the history stay few, and joining them loses and doubles nothing."""

from __future__ import annotations

import pytest

from rallax.storage import LocalStore, RunStore, joining


@pytest.mark.parametrize("added", [1, 3, 7])
def test_thousands_of_commits_leave_few_segments_and_little_is_written_twice(added):
    rows: list[int] = []
    written = 0
    for number in range(5000):
        new = added if number % 10 else 1  # an uneven last commit must not stop the joining for ever
        taken = joining.newest_to_join(rows, new, row_bytes=8000)
        new += sum(rows[len(rows) - taken :])
        rows = [*rows[: len(rows) - taken], new]
        written += new
    assert len(rows) < 50 + sum(rows) * 8000 // joining.FULL_BYTES
    assert written < 12 * sum(rows)


def test_full_segments_are_left_alone():
    assert joining.newest_to_join([2000] * 100, 1, row_bytes=8000) == 0


def long_fit(kit, store, commits: int) -> RunStore:
    run = RunStore.open(store, write=True)
    run.claim_epoch()
    fit = kit.ToyFit(run.latest())
    for _ in range(commits):
        history = fit.advance(1)
        run.commit(fit.tree(), history=history, step=fit.step, keep=2, best=fit.step == 5)
    return run


def test_a_run_of_many_commits_has_few_segments_and_its_whole_history(kit, quick_path, monkeypatch):
    monkeypatch.setattr(joining, "MOST_SMALL", 4)
    place = quick_path / "run"
    kit.make_run(place)
    old = None
    for _ in range(3):
        run = long_fit(kit, place, 11)
        kit.assert_state(RunStore.open(place), step=run.latest().step)
        old = old or run.latest()
    folders = list((place / "run.zarr/history").glob("segment-*"))
    assert len(folders) <= 4 + 4 + 5, "those of the best checkpoint stay as long as it does"
    assert run.verify() == []
    assert run.history(run.checkpoint(5))["loss"].data.shape[0] == 5
    # a reader that holds a checkpoint whose segments are gone gets its rows from a newer one
    assert run.history(old)["loss"].data.tobytes() == kit.undisturbed(11)[1].tobytes()


def test_death_at_every_write_of_a_commit_that_joins(kit, quick_path, monkeypatch):
    monkeypatch.setattr(joining, "MOST_SMALL", 4)
    for at in range(200):
        place = quick_path / str(at)
        kit.make_run(place)
        long_fit(kit, place, 4)
        store = kit.FaultyStore(LocalStore(place), None, "die before")
        run = RunStore.open(store, write=True)
        run.claim_epoch()
        store.at = len(store.writes) + at
        fit = kit.ToyFit(run.latest())
        history = fit.advance(1)
        try:
            run.commit(fit.tree(), history=history, step=fit.step, keep=1)
        except kit.Killed:
            kit.assert_state(RunStore.open(place))
            kit.assert_state(long_fit(kit, place, 2))
            continue
        break
    assert at > 20
    assert len(list((place / "run.zarr/history").glob("segment-*"))) == 1


def test_joined_segments_go_with_the_checkpoints_that_need_them_after_a_resume_too(kit, quick_path, monkeypatch):
    monkeypatch.setattr(joining, "MOST_SMALL", 4)
    place = quick_path / "run"
    kit.make_run(place)

    def go_on(commits: int) -> None:
        run = RunStore.open(place, write=True)
        run.claim_epoch()
        fit = kit.ToyFit(run.latest())
        for _ in range(commits):
            history = fit.advance(1)
            run.commit(fit.tree(), history=history, step=fit.step, keep=3, best=False)

    go_on(5)
    go_on(3)
    run = RunStore.open(place)
    needed = {segment.path for commit in run.commits() for segment in commit.segments}
    assert {f"history/{p.name}" for p in (place / "run.zarr/history").glob("segment-*")} == needed
