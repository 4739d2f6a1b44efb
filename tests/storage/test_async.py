"""Commits in the background, and readers beside a writer."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from rallax.storage import AsyncCommitter, DiskFull, LocalStore, RunStore, StorageError, Variable


def test_the_state_at_the_hand_over_is_what_is_stored(run):
    run.claim_epoch()
    x = np.zeros(3)
    with AsyncCommitter(run) as committer:
        for step in range(1, 5):
            x = x + 1.0  # a new array: what was handed over is not written into
            history = {"loss": Variable(x[None], ("step", "start"))}
            committer.commit({"x": x} if step % 2 else (lambda x=x: {"x": x}), history=history, step=step, keep=9)
        committer.wait()
        assert run.latest().step == 4
    assert [run.checkpoint(seq).tree["x"][0] for seq in (1, 2, 3, 4)] == [1.0, 2.0, 3.0, 4.0]
    assert run.history()["loss"].data[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_what_is_kept_for_the_next_commits_is_gone_at_the_end(kit, quick_path):
    store = LocalStore(quick_path / "run")
    run = kit.make_run(store)
    run.claim_epoch()
    kept = []
    with AsyncCommitter(run) as committer:
        for step in range(1, 8):
            committer.commit({"x": np.full(3, float(step))}, step=step, keep=1)
            committer.wait()
            kept.append(len(store.children(".rallax/tmp")))
    assert max(kept) == 1 and store.children(".rallax/tmp") == []
    assert run.latest().tree["x"].tolist() == [7.0, 7.0, 7.0] and run.verify() == []


def test_the_fit_goes_on_while_one_is_written_and_waits_while_one_waits(kit, quick_path):
    store = kit.FaultyStore(LocalStore(quick_path / "run"))
    run = kit.make_run(store)
    run.claim_epoch()
    gate = threading.Event()
    store.before = lambda name: gate.wait(20) and None
    committer = AsyncCommitter(run)
    done = []

    def fit() -> None:
        for step in (1, 2, 3):
            committer.commit({}, step=step)
            done.append(step)

    thread = threading.Thread(target=fit)
    thread.start()
    deadline = time.monotonic() + 20
    while len(done) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert done == [1, 2] and RunStore.open(quick_path / "run").latest() is None
    gate.set()
    thread.join()
    committer.close()
    assert run.latest().step == 3


def test_the_log_does_not_wait_for_a_commit(kit, quick_path):
    store = kit.FaultyStore(LocalStore(quick_path / "run"))
    run = kit.make_run(store)
    run.claim_epoch()
    gate = threading.Event()
    store.before = lambda name: name.startswith("put") and gate.wait(20) and None
    with AsyncCommitter(run) as committer:
        committer.commit({}, step=1)
        begin = time.monotonic()
        run.log({"event": "step"})
        assert time.monotonic() - begin < 10
        assert run.latest() is None and run.read_log()[0]["event"] == "step"
        gate.set()
    assert run.latest().step == 1


def test_an_error_is_raised_by_the_next_call_and_by_close_and_nothing_follows(kit, quick_path):
    store = kit.FaultyStore(LocalStore(quick_path / "run"))
    run = kit.make_run(store)
    run.claim_epoch()
    committer = AsyncCommitter(run)
    committer.commit({"x": 1}, step=1)
    committer.wait()
    store.at = len(store.writes) + 2
    committer.commit({"x": 2}, step=2)
    with pytest.raises(DiskFull):
        committer.wait()
    for act in (lambda: committer.commit({"x": 3}, step=3), committer.close, committer.close):
        with pytest.raises(DiskFull, match="No space left"):
            act()
    assert RunStore.open(quick_path / "run").latest(strict=True).tree == {"x": 1}


def test_an_error_of_the_fit_is_not_hidden_by_one_of_the_disk(kit, quick_path):
    store = kit.FaultyStore(LocalStore(quick_path / "run"))
    run = kit.make_run(store)
    run.claim_epoch()
    store.at = len(store.writes)
    with pytest.raises(ZeroDivisionError) as error, AsyncCommitter(run) as committer:
        committer.commit({}, step=1)
        raise ZeroDivisionError
    assert "No space left" in error.value.__notes__[0]


def test_a_bad_tree_is_refused_at_the_hand_over(run):
    run.claim_epoch()
    with AsyncCommitter(run) as committer:
        with pytest.raises(ValueError, match="'x'"):
            committer.commit({"x": object()}, step=1)
        committer.commit({"x": 1}, step=1)
    with pytest.raises(RuntimeError, match="after close"):
        committer.commit({}, step=2)
    assert run.latest().tree == {"x": 1}


def test_readers_beside_a_writer_always_see_a_whole_state(kit, run):
    run.claim_epoch()
    fit = kit.ToyFit()
    history = fit.advance(1)
    run.commit(fit.tree(), history=history, step=1, keep=1)
    stop = threading.Event()
    failures: list[BaseException] = []
    seen: list[int] = []

    def read() -> None:
        reader = RunStore.open(run.location)
        try:
            while not stop.is_set():
                seen.append(kit.assert_state(reader))
                assert reader.sweeps() == ["IV_265"] and reader.read_sweep("IV_265").attrs == {"use": "train"}
                try:
                    traces = reader.read_traces("IV_265")["voltage"]
                except StorageError as error:  # between the removal of the old ones and the last key of the new
                    assert "no traces" in str(error)
                else:
                    assert len(set(traces.data.ravel().tolist())) == 1 and traces.data.shape[2] == traces.data.max()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(25):
        history = fit.advance(1)
        run.commit(fit.tree(), history=history, step=fit.step, keep=1)
        size = 9 - number % 5
        run.write_traces("IV_265", {"voltage": Variable(np.full((2, 1, size), float(size)), ("start", "site", "time"))})
    stop.set()
    thread.join()
    assert failures == [] and seen == sorted(seen) and len(set(seen)) > 1
