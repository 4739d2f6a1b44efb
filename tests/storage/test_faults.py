"""Every write of a short run refused, and the process dead at every write: nothing committed is ever lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rallax.storage import DiskFull, LocalStore, NotARun, RunStore, StorageError, Variable

COMMITS = 2
TRACES = {"voltage": Variable(np.ones((2, 1, 9)), ("start", "site", "time"), "mV")}


def short_run(kit, location, committed: list[int]) -> None:
    """A whole run from its creation to its traces; notes every acknowledged commit."""
    run = kit.make_run(location)
    run.claim_epoch()
    go_on(kit, run, committed)


def go_on(kit, run: RunStore, committed: list[int]) -> None:
    fit = kit.ToyFit(run.latest(strict=True))
    while fit.step < 2 * COMMITS:
        history = fit.advance(2)
        run.commit(fit.tree(), history=history, step=fit.step, keep=1)
        committed.append(fit.step)
        run.log({"event": "commit", "step": fit.step})
    run.write_traces("IV_265", TRACES)
    run.write_file("report.html", b"<html>")


def number_of_writes(kit, folder: Path) -> int:
    store = kit.FaultyStore(LocalStore(folder))
    short_run(kit, store, [])
    return len(store.writes)


def finish(kit, place: Path) -> None:
    """Resumes, or starts again where there is no run, and checks the end."""
    try:
        run = RunStore.open(place, write=True)
        run.claim_epoch()
        go_on(kit, run, [])
    except NotARun:
        short_run(kit, place, [])
    run = RunStore.open(place)
    kit.assert_state(run, step=2 * COMMITS)
    assert run.verify() == []
    # a commit that was cut off after its key was written leaves its predecessor to the next commit
    assert [commit.step for commit in run.commits()] in ([2 * COMMITS], [2 * COMMITS - 2, 2 * COMMITS])
    assert run.read_traces("IV_265")["voltage"].data.tobytes() == TRACES["voltage"].data.tobytes()
    assert run.read_file("report.html") == b"<html>" and run.read_file("job.toml") == b"name = 'x'\n"
    logged = [event["step"] for event in run.read_log()]
    assert logged == sorted(set(logged)) and set(logged) <= {2, 4}


def test_death_at_every_write(kit, quick_path):
    """Death after a write is death before the next one; a line of the log is torn."""
    count = number_of_writes(kit, quick_path / "count")
    assert count > 90
    for at in range(count):
        place = quick_path / str(at)
        store = kit.FaultyStore(LocalStore(place), at, "die before")
        committed: list[int] = []
        with pytest.raises(kit.Killed):
            short_run(kit, store, committed)
        if committed:
            step = kit.assert_state(RunStore.open(place))
            # the commit that was cut off counts if its last key was written
            assert step - committed[-1] in (0, 2)
        finish(kit, place)


def test_a_disk_full_at_every_write(kit, quick_path):
    count = number_of_writes(kit, quick_path / "count")
    silent = 0
    for at in range(count):
        place = quick_path / str(at)
        store = kit.FaultyStore(LocalStore(place), at, "refuse")
        committed: list[int] = []
        try:
            short_run(kit, store, committed)
            silent += 1  # after a commit was durable: the next one deletes what this one could not
        except DiskFull as error:
            assert "No space left" in str(error) and "\n" not in str(error)
        if committed:
            assert kit.assert_state(RunStore.open(place)) - committed[-1] in (0, 2)
        elif not (place / "run.zarr/zarr.json").exists():
            assert not place.exists(), "a creation that failed left something"
        finish(kit, place)
    assert silent <= 3 * COMMITS + 1


def test_the_same_commit_may_be_repeated_after_any_refusal(kit, quick_path):
    """The call that failed is made again in the same process, with the same arguments."""
    at = 0
    while True:
        place = quick_path / str(at)
        kit.make_run(place)
        store = kit.FaultyStore(LocalStore(place))
        run = RunStore.open(store, write=True)
        run.claim_epoch()
        fit = kit.ToyFit()
        for number in range(2):
            history = fit.advance(2)
            if number == 1:
                store.at = len(store.writes) + at
            try:
                run.commit(fit.tree(), history=history, step=fit.step, keep=1)
            except StorageError:
                run.commit(fit.tree(), history=history, step=fit.step, keep=1)
            kit.assert_state(RunStore.open(place), step=fit.step)
        assert run.verify() == []
        if store.at >= len(store.writes):
            break
        at += 1
    assert at > 20


def test_leftovers_of_a_killed_commit_are_gone_after_the_next_claim(kit, quick_path):
    place = quick_path / "run"
    run = kit.make_run(place)
    run.claim_epoch()
    fit = kit.ToyFit()
    history = fit.advance(2)
    run.commit(fit.tree(), history=history, step=2)
    names = {str(p.relative_to(place)) for p in place.rglob("*")}
    store = kit.FaultyStore(LocalStore(place), None, "die before")
    dying = RunStore.open(store, write=True)
    dying.claim_epoch()
    store.at = len(store.writes) + 15
    history = fit.advance(2)
    with pytest.raises(kit.Killed):
        dying.commit(fit.tree(), history=history, step=4)
    (place / ".rallax/tmp/torn").write_bytes(b"half")
    assert any("seq-000002" in p.name or "segment-000002" in p.name for p in place.rglob("*"))
    RunStore.open(place, write=True).claim_epoch()
    left = {str(p.relative_to(place)) for p in place.rglob("*")} - names
    assert {name.split("/")[1] for name in left} == {"epochs"}
