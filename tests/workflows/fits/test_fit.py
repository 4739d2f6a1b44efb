"""A fit from job to report, with workers in this process: its result, stop and resume, extension, what is on disk."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rallax.fitting import Event, InProcessExecutor, Recipe, build, perform
from rallax.fitting.events import Answered
from rallax.fitting.trace_sink import build_sink
from rallax.storage import Checkpoint, RunStore, StorageError
from rallax.storage.checkpoints import CheckpointReader
from rallax.storage.layout import Label
from rallax.workflows import Run, fit, load_job, resume
from rallax.workflows.cli import app
from rallax.workflows.errors import JobError, UserError

from .tiny import HIDDEN, contents, write_tiny

_problems: dict[str, object] = {}


def in_process(recipe: Recipe) -> InProcessExecutor:
    """Workers in this process, the problem compiled once for all tests."""
    key = str(recipe.config)
    if key not in _problems:
        _problems[key] = build(recipe)
    return InProcessExecutor(_problems[key])


def stop_after(n: int) -> Callable[[], bool]:
    """A stop flag that is set when it has been asked for n times."""
    calls = iter(range(10**9))
    return lambda: next(calls) >= n


@pytest.fixture(scope="module")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def finished(job_file: Path) -> Run:
    return fit(load_job(job_file), job_file.parent / "finished", make_executor=in_process)


def test_the_fit_comes_closer_to_the_hidden_parameters(finished: Run) -> None:
    status = finished.status()
    assert status.state == "finished" and status.step == status.steps == 6
    losses = finished.history()["loss"]
    assert status.best_loss is not None and status.best_loss < 0.7 * np.nanmin(losses[0])
    assert set(finished.best()) == set(HIDDEN)
    assert status.validation_loss is not None and np.isfinite(status.validation_loss)


def test_a_run_reads_as_xarray_without_a_warning(finished: Run) -> None:
    import xarray

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = xarray.open_datatree(finished.directory / "run.zarr", engine="zarr")
    assert tree["traces/step_1/voltage"].dims == ("start", "site", "time")
    assert tree["data/step_1/voltage"].attrs["units"] == "mV"
    np.testing.assert_array_equal(tree["traces/step_1/voltage"].values, finished.traces()["step_1"].values)


def test_traces_are_those_of_the_best_parameters(finished: Run, job_file: Path) -> None:
    from rallax.workflows import simulate_job

    best = finished.best_start()
    again = simulate_job(load_job(job_file), finished.best())
    trace = finished.traces()["held_out"].sel(start=best).values[0]
    np.testing.assert_allclose(trace, again["held_out"], atol=1e-3)


class _Writing(InProcessExecutor):
    """Workers in this process that write their traces into the run, as those on other machines do."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(in_process(recipe)._problem)
        assert recipe.sink is not None
        self._sink = build_sink(recipe.sink)
        assert self._sink is not None

    def next_event(self, timeout: float) -> Event | None:
        if self._events or not self._work:
            return super().next_event(timeout)
        worker, item = self._work.popleft()
        return Answered(worker, perform(self._problem, item, self._sink))


def test_traces_are_the_same_bytes_whoever_writes_them(job_file: Path, finished: Run, tmp_path: Path) -> None:
    run = fit(load_job(job_file), tmp_path / "run", make_executor=_Writing, report=False)
    told = {r.directory.name: e for r in (run, finished) for e in r.store.read_log() if e["kind"] == "traces written"}
    assert told["run"]["by_workers"] == told["finished"]["by_coordinator"] == 6  # three sweeps, two blocks
    assert told["run"]["by_coordinator"] == told["finished"]["by_workers"] == 0
    ours, theirs = run.directory / "run.zarr/traces", finished.directory / "run.zarr/traces"
    files = sorted(path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(ours) for path in ours.rglob("*") if path.is_file())
    assert all((ours / name).read_bytes() == (theirs / name).read_bytes() for name in files)


def test_the_report_is_there_and_names_the_parameters(finished: Run) -> None:
    html = (finished.directory / "report.html").read_text()
    assert all(name in html for name in HIDDEN) and "held_out" in html and "Fitted in" in html


@pytest.mark.parametrize("calls", [3, 9, 20, 31])
def test_stopped_and_resumed_ends_with_the_same_bits(job_file: Path, finished: Run, tmp_path: Path, calls: int) -> None:
    run = fit(
        load_job(job_file), tmp_path / "run", make_executor=in_process, should_stop=stop_after(calls), report=False
    )
    assert run.status().state == "stopped"
    run = resume(tmp_path / "run", make_executor=in_process, report=False)
    assert run.status().state == "finished"
    assert contents(tmp_path / "run") == contents(finished.directory)


def test_an_extended_run_is_the_longer_one(job_file: Path, tmp_path: Path) -> None:
    fit(load_job(job_file, ["fit.steps=3"]), tmp_path / "short", make_executor=in_process, report=False)
    resume(tmp_path / "short", steps=5, make_executor=in_process, report=False)
    fit(load_job(job_file, ["fit.steps=5"]), tmp_path / "long", make_executor=in_process, report=False)
    assert contents(tmp_path / "short") == contents(tmp_path / "long")


def test_a_changed_recording_is_named_on_resume(tmp_path: Path) -> None:
    job = write_tiny(tmp_path / "job")
    fit(load_job(job), tmp_path / "run", make_executor=in_process, should_stop=stop_after(3), report=False)
    with (job.parent / "step_1.csv").open("a") as file:
        file.write("15.10,-70.0\n")
    with pytest.raises(JobError, match=r"step_1\.csv is not what it was"):
        resume(tmp_path / "run", make_executor=in_process)


def test_a_changed_recording_is_named_by_simulate(tmp_path: Path) -> None:
    job = write_tiny(tmp_path / "job")
    fit(load_job(job, ["fit.steps=1"]), tmp_path / "run", make_executor=in_process, report=False)
    with (job.parent / "step_1.csv").open("a") as file:
        file.write("15.10,-70.0\n")
    ended = CliRunner().invoke(app, ["simulate", str(tmp_path / "run")])
    assert ended.exit_code == 2 and "step_1.csv is not what it was" in ended.stderr


def test_the_arrays_of_a_checkpoint_are_read_once(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A status asks for it ten times over, and a checkpoint may have hundreds of megabytes."""
    last, read = finished.checkpoint.commit.label, CheckpointReader.read
    labels: list[object] = []

    def counted(self: CheckpointReader, label: Label) -> Checkpoint | None:
        labels.append(label)
        return read(self, label)

    monkeypatch.setattr(CheckpointReader, "read", counted)
    run = Run.open(finished.directory)
    run.status()
    run.write_report()
    assert labels == [last]


def test_a_run_is_not_written_over(job_file: Path, finished: Run) -> None:
    before = contents(finished.directory)
    with pytest.raises(StorageError):
        fit(load_job(job_file), finished.directory, make_executor=in_process)
    assert contents(finished.directory) == before


def test_a_flipped_byte_in_the_checkpoint_is_found(job_file: Path, tmp_path: Path) -> None:
    run = fit(load_job(job_file), tmp_path / "run", make_executor=in_process, should_stop=stop_after(20), report=False)
    newest = max((run.directory / "run.zarr" / "checkpoints").glob("seq-*"))
    chunk = next(p for p in sorted(newest.rglob("*")) if p.is_file() and p.name != "zarr.json")
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(bytes(data))
    with pytest.raises(StorageError, match=newest.name):
        resume(tmp_path / "run", make_executor=in_process)


def test_python_api_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no run is here"):
        Run.open(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_run_is_looked_at_where_its_recordings_are_not(tmp_path: Path) -> None:
    job = write_tiny(tmp_path / "job")
    fit(load_job(job), tmp_path / "run", make_executor=in_process, report=False)
    shutil.rmtree(job.parent)
    run = Run.open(tmp_path / "run")
    assert run.status().state == "finished" and run.status().validation_loss is not None
    assert "held_out" in run.write_report().read_text()


def test_a_run_whose_files_have_moved_goes_on_with_the_same_bits(job_file: Path, finished: Run, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    shutil.copytree(job_file.parent, lab, ignore=lambda folder, names: [n for n in names if Path(folder, n).is_dir()])
    stopped = fit(load_job(lab / "job.toml"), tmp_path / "run", make_executor=in_process, should_stop=stop_after(8))
    assert stopped.status().state == "stopped"
    lab.rename(tmp_path / "moved")
    with pytest.raises(JobError, match="--files"):
        resume(tmp_path / "run", make_executor=in_process)
    resume(tmp_path / "run", files=tmp_path / "moved", make_executor=in_process)
    assert contents(tmp_path / "run") == contents(finished.directory)


def test_run_again_goes_on_with_the_run_of_this_very_job_only(job_file: Path, finished: Run) -> None:
    before = finished.checkpoint.seq
    with pytest.raises(StorageError, match="already here"):
        fit(load_job(job_file), finished.directory, make_executor=in_process)
    with pytest.raises(UserError, match="another job"):
        fit(load_job(job_file, ["fit.seed=7"]), finished.directory, go_on=True, make_executor=in_process)
    assert Run.open(finished.directory).checkpoint.seq == before


def test_a_run_that_goes_on_heeds_what_changes_no_result(job_file: Path, tmp_path: Path) -> None:
    place, every_step = tmp_path / "run", ["storage.checkpoint_every_steps=1"]
    calls = iter(range(10**6))
    job = load_job(job_file, [*every_step, "storage.keep=1"])
    fit(job, place, make_executor=in_process, report=False, should_stop=lambda: next(calls) > 20)
    assert len(list(RunStore.open(place).commits())) <= 2
    fit(load_job(job_file, [*every_step, "storage.keep=9"]), place, go_on=True, make_executor=in_process, report=False)
    assert len(list(RunStore.open(place).commits())) > 3


def test_a_look_is_at_one_state(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    run = Run.open(finished.directory)
    latest = run.store.latest
    monkeypatch.setattr(run.store, "latest", lambda known=None: asked.append(known) or latest(known=known))
    run.status()
    assert len(asked) == 1


def test_the_directory_of_the_run_is_looked_at_where_it_is_written(job_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    away = [f'storage.run="{tmp_path}/file"']
    with pytest.raises(JobError, match="name a directory"):
        load_job(job_file, away)
    assert load_job(job_file, away, run=False).name == "tiny"
    assert load_job(job_file, ['storage.run="~/rallax-fits/x"']).run_directory == Path.home() / "rallax-fits/x"
