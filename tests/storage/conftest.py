"""What the tests of storage share: a small deterministic fit, and a store that fails where it is told to."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rallax.storage import Checkpoint, Group, ParameterTable, RunStore, Store, Variable

sys.path.insert(0, str(Path(__file__).parent))
from faulty_store import FaultyStore, Killed
from s3_server import BUCKET, s3_server

STARTS = 3


class ToyFit:
    """A deterministic 'fit': a chaotic map per start, so that any lost or doubled step shows in every later bit."""

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        self.step = 0
        self.x = np.linspace(0.1, 0.9, STARTS)
        if checkpoint is not None:
            self.step, self.x = checkpoint.tree["step"], checkpoint.tree["x"]

    def advance(self, steps: int) -> dict[str, Variable]:
        """Runs some steps and returns their rows of history."""
        losses = []
        for _ in range(steps):
            self.x = 3.9 * self.x * (1.0 - self.x)
            self.step += 1
            losses.append(self.x**2)
        counts = np.repeat(np.arange(self.step - steps + 1, self.step + 1)[:, None], STARTS, axis=1)
        return {
            "loss": Variable(np.array(losses).reshape(steps, STARTS), ("step", "start"), "mV^2"),
            "start_step": Variable(counts.astype(np.int32), ("step", "start")),
        }

    def tree(self) -> dict[str, Any]:
        return {"x": Variable(self.x, ("start",)), "step": self.step, "optimizer": {"count": np.array(self.step)}}


def undisturbed(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The state and the losses after so many steps."""
    fit = ToyFit()
    history = fit.advance(steps)
    return fit.x, history["loss"].data


def assert_state(run: RunStore, *, step: int | None = None) -> int:
    """The latest checkpoint and the whole history are those of an undisturbed fit, bit for bit; returns its step."""
    checkpoint = run.latest(strict=True)
    assert checkpoint is not None
    assert step is None or checkpoint.step == step
    x, losses = undisturbed(checkpoint.step)
    assert checkpoint.tree["x"].tobytes() == x.tobytes()
    history = run.history(checkpoint)
    assert history["loss"].data.tobytes() == losses.tobytes()
    assert history["step"].data.tolist() == list(range(checkpoint.step))
    assert history["start_step"].data[:, 0].tolist() == list(range(1, checkpoint.step + 1))
    return checkpoint.step


def make_run(location: Path | str | Store) -> RunStore:
    time = np.arange(50) * 0.1
    sweep = Group(
        {
            "voltage": Variable(np.sin(time)[None, :], ("site", "time"), "mV"),
            "current": Variable(np.zeros(50), ("time",), "nA"),
            "time": Variable(time, ("time",), "ms"),
        },
        {"use": "train"},
    )
    table = ParameterTable(
        ("g", "e"), np.array([0.0, -90.0]), np.array([1.0, -60.0]), ("S/cm^2", "mV"), ("log", "sigmoid")
    )
    return RunStore.create(
        location,
        attributes={"job_hash": "abc", "seeds": [0]},
        files={"job.toml": b"name = 'x'\n", "resolved.json": b"{}"},
        sweeps={"IV_265": sweep},
        parameters=table,
    )


def memory_folder() -> Path:
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))


class Kit:
    """The classes and functions above, for tests (which cannot import a conftest)."""

    Killed = Killed
    FaultyStore = FaultyStore
    ToyFit = ToyFit
    undisturbed = staticmethod(undisturbed)
    assert_state = staticmethod(assert_state)
    make_run = staticmethod(make_run)
    memory_folder = staticmethod(memory_folder)


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A folder in memory where there is one: for tests of many commits, whose syncing a busy disk makes slow."""
    path = memory_folder()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def run(quick_path: Path) -> RunStore:
    """A new run with one sweep and two parameters."""
    return make_run(quick_path / "run")


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The endpoint of a real S3 server; the environment points to it."""
    pytest.importorskip("moto", reason="requirements-dev.txt has moto")
    pytest.importorskip("s3fs", reason="requirements-dev.txt has s3fs")
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3_place(s3: str) -> str:
    """A place for a run that no other test uses."""
    return f"s3://{BUCKET}/{uuid.uuid4().hex}/run"


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest) -> Path | str:
    """A place for a run, of every kind that there is."""
    if request.param == "s3":
        return str(request.getfixturevalue("s3_place"))
    return Path(request.getfixturevalue("quick_path")) / "run"
