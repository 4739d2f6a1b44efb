"""Loggers: what they are told, and that none of them holds or ends a fit.

TensorBoard's files are real. MLflow and wandb are stand-ins here, modules of the same names that write down how they
are called: only the calls are tested, not that these programs take them.
"""

from __future__ import annotations

import struct
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rallax.fitting import Snapshot
from rallax.workflows.errors import JobError, UserError
from rallax.workflows.execute import _committer
from rallax.workflows.job import load_job
from rallax.workflows.loggers import Told, logger_faults, told_of
from rallax.workflows.loggers.facts import settings_of, steps_of
from rallax.workflows.new_run import create_run
from rallax.workflows.resolve import resolve

from .tiny import write_flat

NAMES = ["g_pas", "e_pas", "gNa"]


def snapshot(first: int, rows: int) -> Snapshot:
    """Of three starts, the last of which is absent."""
    loss = np.array([[3.0 - 0.1 * r, 5.0, np.nan] for r in range(first, first + rows)]).reshape(rows, 3)
    history = {
        "step": np.arange(first, first + rows),
        "loss": loss,
        "gradient_norm": 2 * loss,
        "learning_rate": np.full_like(loss, 0.1),
        "training_loss": loss,
        "validation_loss": np.full_like(loss, np.nan),
    }
    theta = np.array([[1.0, -70.0, 0.1], [2.0, -60.0, 0.2], [0.0, 0.0, 0.0]])
    tree = {
        "starts": {"present": np.array([True, True, False])},
        "best": {"loss": np.array([2.5, 4.0, 0.0]), "theta": theta},
    }
    return Snapshot(lambda: tree, history=history if rows else None, step=first + rows, rows=rows)


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def step(self, step: int, values: dict[str, float]) -> None:
        self.calls.append((step, values))

    def end(self, ending: str) -> None:
        self.calls.append((ending,))


def tell(told: Told, ending: str, *snapshots: Snapshot) -> None:
    """A session."""
    told.begin()
    for each in snapshots:
        told(each)
    told.end(ending)  # type: ignore[arg-type]


def test_each_row_once_with_the_best_parameters_at_the_last() -> None:
    told = dict(steps_of(snapshot(4, 2), NAMES))
    assert set(told) == {4, 5}
    assert told[4]["loss/best"] == pytest.approx(2.6) and told[4]["loss/median"] == pytest.approx(3.8)
    assert "validation_loss/best" not in told[4] and "parameters/g_pas" not in told[4]
    assert (told[5]["parameters/g_pas"], told[5]["parameters/e_pas"], told[5]["best/loss"]) == (1.0, -70.0, 2.5)
    assert list(steps_of(snapshot(4, 0), NAMES)) == []


def test_all_are_told_and_one_that_fails_is_left_out() -> None:
    good = Recorder()
    warnings: list[str] = []

    class Bad(Recorder):
        def step(self, step: int, values: dict[str, float]) -> None:
            raise OSError("no server")

    def cannot_start() -> Recorder:
        raise SystemExit("login first")

    told = Told([("good", lambda: good), ("bad", Bad), ("never", cannot_start)], NAMES, warnings.append)
    tell(told, "finished", *(snapshot(k, 1) for k in range(3)))
    assert [call[0] for call in good.calls] == [0, 1, 2, "finished"]
    assert sorted(warnings) == [
        "bad is told nothing more: OSError: no server",
        "never is told nothing more: SystemExit: login first",
    ]


def test_one_that_hangs_holds_nothing() -> None:
    gate = threading.Event()
    warnings: list[str] = []

    class Hangs(Recorder):
        def step(self, step: int, values: dict[str, float]) -> None:
            gate.wait(60)

    tell(Told([("slow", Hangs)], NAMES, warnings.append, patience=0.05), "stopped", snapshot(0, 1))
    gate.set()
    assert warnings == ["slow has not taken all within 0 s and is left behind"]


def test_the_fit_does_not_make_the_tree_that_loggers_are_told_of() -> None:
    made: list[str] = []
    trees: list[Callable[[], Any]] = []
    told: list[Snapshot] = []
    whole = snapshot(0, 1)

    def build() -> dict[str, Any]:
        made.append("tree")
        return whole.tree

    committer: Any = types.SimpleNamespace(commit=lambda tree, **options: trees.append(tree))
    coordinator: Any = types.SimpleNamespace(
        progress=lambda: types.SimpleNamespace(best_loss=1.0), device="cpu", done=False
    )
    config: Any = types.SimpleNamespace(steps=1)
    tell_loggers: Any = told.append
    _committer(committer, coordinator, config, 3, tell_loggers)(Snapshot(build, whole.history, 1, 1))
    assert not made and not told
    assert trees[0]() is whole.tree and made == ["tree"] and len(told) == 1


def test_one_that_is_not_installed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_flat(tmp_path)
    with pytest.raises(JobError, match="wanndb"):
        load_job(path, ['logging.loggers=["wanndb"]'])
    job = load_job(path, ['logging.loggers=["wandb"]'])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert [key for key, _ in logger_faults(job)] == ["logging.loggers"]
    assert 'pip install "rallax[wandb]"' in next(logger_faults(job))[1]


def test_tensorboard_without_a_directory_is_told_before_the_run_is_made(tmp_path: Path) -> None:
    job = load_job(write_flat(tmp_path), ['logging.loggers=["tensorboard"]'])
    with pytest.raises(UserError, match=r"logging\.directory: is missing"):
        create_run(job, "s3://bucket/none")


def test_loggers_do_not_change_the_job(tmp_path: Path) -> None:
    path = write_flat(tmp_path)
    assert resolve(load_job(path, ['logging.loggers=["mlflow"]'])).hash == resolve(load_job(path)).hash
    settings = settings_of(load_job(path))
    assert settings["fit.optimizer.learning_rate"] == 0.1 and settings["model.morphology"] == "cell.swc"


def test_tensorboard_files(tmp_path: Path) -> None:
    from tensorboardX.proto.event_pb2 import Event

    job = load_job(write_flat(tmp_path), ['logging.loggers=["tensorboard"]'])
    for session in range(2):
        tell(told_of(job, "key", str(tmp_path / "run"), pytest.fail), "stopped", snapshot(2 * session, 2))
    found: dict[tuple[str, int], float] = {}
    for path in (tmp_path / "run" / "tensorboard").glob("events*"):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            found |= {(v.tag, event.step): v.simple_value for v in event.summary.value if v.HasField("simple_value")}
    assert found["loss/best", 0] == pytest.approx(3.0) and found["loss/best", 3] == pytest.approx(2.7)
    assert found["parameters/g_pas", 3] == 1.0


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def test_mlflow_is_called_as_its_client_is_and_finds_its_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    known: list[str] = []

    def info(run: str) -> Any:
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run))

    class Client:
        def get_experiment_by_name(self, name: str) -> Any:
            return types.SimpleNamespace(experiment_id="7")

        def search_runs(self, experiments: list[str], filter_string: str, max_results: int) -> list[Any]:
            assert filter_string == "tags.rallax_run = 'key'"
            return [info(run) for run in known]

        def create_run(self, experiment: str, run_name: str, tags: dict[str, str]) -> Any:
            known.append("r1")
            return info("r1")

        def __getattr__(self, name: str) -> Any:
            return lambda *a, **k: calls.append((name, a, k))

    stand_in(monkeypatch, "mlflow", __spec__=types.SimpleNamespace())
    stand_in(monkeypatch, "mlflow.entities", Metric=lambda *a: a, Param=lambda *a: a)
    stand_in(monkeypatch, "mlflow.tracking", MlflowClient=Client)
    job = load_job(write_flat(tmp_path), ['logging.loggers=["mlflow"]'])
    for session in range(2):
        tell(told_of(job, "key", "s3://bucket/run", pytest.fail), "finished", snapshot(session, 1))
    assert known == ["r1"]
    metrics = [k["metrics"] for name, _, k in calls if name == "log_batch" and "metrics" in k]
    assert [{m[0]: m[3] for m in batch}["loss/best"] for batch in metrics] == [0, 1]
    assert ("fit.starts", "4") in next(k["params"] for name, _, k in calls if "params" in k)
    assert [a for name, a, _ in calls if name == "set_terminated"] == [("r1", "FINISHED")] * 2


def test_wandb_is_called_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    class Run:
        def log(self, values: dict[str, float], step: int) -> None:
            calls.append((step, values["loss/best"]))

        def finish(self, exit_code: int) -> None:
            calls.append(exit_code)

    def init(**options: Any) -> Run:
        calls.append((options["project"], options["id"], options["resume"], options["config"]["fit.starts"]))
        return Run()

    stand_in(monkeypatch, "wandb", init=init, __spec__=types.SimpleNamespace())
    job = load_job(write_flat(tmp_path), ['logging.loggers=["wandb"]', "logging.project=cells"])
    tell(told_of(job, "key", "s3://bucket/run", pytest.fail), "failed", snapshot(0, 1))
    assert calls == [("cells", "key", "allow", 4), (0, 3.0), 1]
