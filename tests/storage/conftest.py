"""What the tests of storage share: a small deterministic fit, and a store that fails where it is told to."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rallax.storage import Checkpoint, Group, LocalStore, ParameterTable, RunStore, Variable

STARTS = 3


class Killed(BaseException):
    """Stands for the death of the process: nothing of the program may catch it and go on writing."""


class FaultyStore:
    """Passes everything on; at write number `at` (from 0) it refuses, dies before, or dies after the write.

    A dead store takes no further write, as a dead process makes none.
    """

    def __init__(self, inner: LocalStore, at: int | None = None, how: str = "refuse") -> None:
        self.inner, self.at, self.how = inner, at, how
        self.writes: list[str] = []
        self.dead = False
        self.before: Callable[[str], None] = lambda name: None

    @property
    def location(self) -> str:
        return self.inner.location

    def get(self, key: str) -> bytes | None:
        return self.inner.get(key)

    def children(self, prefix: str) -> list[str]:
        return self.inner.children(prefix)

    def put(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._write(f"put {key}", lambda: self.inner.put(key, data, exclusive=exclusive))

    def append(self, key: str, data: bytes) -> None:
        def torn() -> None:
            self.inner.append(key, data[: len(data) // 2])

        self._write(f"append {key}", lambda: self.inner.append(key, data), torn)

    def delete_tree(self, prefix: str, *, first: str = "") -> None:
        self._write(f"delete {prefix}", lambda: self.inner.delete_tree(prefix, first=first))

    def sync(self) -> None:
        self._write("sync", self.inner.sync)

    def tidy(self) -> None:
        self._write("tidy", self.inner.tidy)

    def abandon(self) -> None:
        self._write("abandon", self.inner.abandon)

    def _write(self, name: str, action: Callable[[], None], torn: Callable[[], None] = lambda: None) -> None:
        if self.dead:
            raise Killed(name)
        self.before(name)
        number = len(self.writes)
        self.writes.append(name)
        if number != self.at:
            action()
            return
        if self.how == "refuse":
            raise OSError(errno.ENOSPC, "No space left on device", f"{self.location} ({name})")
        if self.how == "die after":
            action()
        else:
            torn()
        self.dead = True
        raise Killed(name)


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


def make_run(location: Path | FaultyStore) -> RunStore:
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
