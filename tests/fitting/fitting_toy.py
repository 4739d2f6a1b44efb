"""A problem small enough to compute in microseconds, and helpers that compare whole fits bit by bit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rallax.fitting import (
    Answer,
    Coordinator,
    DispatchPolicy,
    FitConfig,
    InProcessExecutor,
    Parameter,
    ParameterSpace,
    Snapshot,
    SweepGroup,
    fit_loop,
)
from rallax.fitting.events import Answered, Submit

SPACE = ParameterSpace((Parameter("a", -1.0, 1.0), Parameter("b", 1e-5, 1e-3, "log"), Parameter("c", 0.0, 3.0)))
GROUPS = (
    SweepGroup("long", ("l1", "l2", "l3", "l4"), ("train", "train", "validate", "train"), (1.0, 2.0, 1.0, 0.5)),
    SweepGroup("short", ("s1", "s2"), ("train", "validate"), (1.0, 1.0)),
)


class Toy:
    """loss(u) = sum over parameters of w (u - center)^4 + (u - center)^2, each sweep with a center of its own."""

    space = SPACE
    groups = GROUPS

    def __init__(self, seconds: float = 0.0, pid_dir: str | None = None) -> None:
        self._seconds = seconds
        self._pid_dir = pid_dir

    def _offset(self, group: int, u: np.ndarray, sweep: int) -> np.ndarray:
        return u - np.array([0.3, -0.2, 0.1]) * (1 + sweep) - 0.5 * group

    def losses(self, group: int, u: np.ndarray, sweeps: np.ndarray) -> np.ndarray:
        self._work()
        x = np.stack([self._offset(group, u, s) for s in sweeps], axis=1)
        return np.sum(0.01 * x**4 + x**2, axis=2)

    def losses_and_gradient(
        self, group: int, u: np.ndarray, sweeps: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        gradient = np.zeros_like(u)
        for s, w in zip(sweeps, weights, strict=True):
            x = self._offset(group, u, s)
            gradient = gradient + w * (0.04 * x**3 + 2.0 * x)
        return self.losses(group, u, sweeps), gradient

    def traces(self, group: int, u: np.ndarray, sweeps: np.ndarray) -> np.ndarray:
        return np.stack([np.stack([self._offset(group, u, s)], axis=1) for s in sweeps], axis=1)

    def _work(self) -> None:
        if self._pid_dir is not None:
            Path(self._pid_dir, str(os.getpid())).touch()
        if self._seconds:
            time.sleep(self._seconds)


def build_toy(config: Mapping[str, Any]) -> Toy:
    """Entry of the recipes in the tests."""
    if "fail" in config:
        raise ValueError(str(config["fail"]))
    return Toy(config.get("seconds", 0.0), config.get("pid_dir"))


def config(**changes: Any) -> FitConfig:
    settings: dict[str, Any] = {
        "candidates": 11,
        "starts": 5,
        "steps": 8,
        "optimizer": {"name": "adam", "learning_rate": 0.1, "clip_norm": 1.0},
        "starts_per_block": 2,
        "sweeps_per_item": (2, 1),
        "seed": 3,
        "evaluate_every": 3,
    }
    return FitConfig(**(settings | changes))


class Store:
    """Keeps what is committed, as a run on disk would: the last tree, and all segments of the history."""

    def __init__(self) -> None:
        self.trees: list[dict[str, Any]] = []
        self.segments: list[dict[str, np.ndarray] | None] = []

    def commit(self, snapshot: Snapshot) -> None:
        self.trees.append(snapshot.tree)
        self.segments.append(snapshot.history)

    def history(self, upto: int | None = None) -> dict[str, np.ndarray]:
        parts = [s for s in self.segments[:upto] if s is not None]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def bits(coordinator: Coordinator, store: Store) -> dict[str, bytes]:
    """Every number of a finished fit: result, last tree and whole history."""
    result = coordinator.result()
    out = {f"result/{k}": v.tobytes() for k, v in vars(result).items() if isinstance(v, np.ndarray)}
    out |= {f"history/{k}": v.tobytes() for k, v in store.history().items()}
    for path, leaf in flatten(store.trees[-1]).items():
        out[f"tree/{path}"] = np.asarray(leaf).tobytes()
    return out


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}/")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def differing(a: Mapping[str, bytes], b: Mapping[str, bytes]) -> list[str]:
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))


def run(
    settings: FitConfig,
    problem: Any = None,
    *,
    policy: DispatchPolicy | None = None,
    tree: Mapping[str, Any] | None = None,
    store: Store | None = None,
    checkpoint_every: int = 2,
    executor: Any = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_report: Callable[[Any], None] = lambda report: None,
) -> tuple[Coordinator, Store]:
    problem = problem or Toy()
    coordinator = Coordinator(settings, problem.space, problem.groups, policy, tree=tree)
    store = store or Store()
    fit_loop(
        coordinator,
        executor or InProcessExecutor(problem),
        commit=store.commit,
        checkpoint_every=checkpoint_every,
        should_stop=should_stop,
        on_report=on_report,
    )
    return coordinator, store


def environment_probe(config: Mapping[str, Any]) -> Toy:
    """Fails with what JAX sees in this process."""
    import jax

    raise ValueError(
        f"platforms={os.environ['JAX_PLATFORMS']} devices={[d.platform for d in jax.devices()]} "
        f"x64={jax.config.jax_enable_x64} threads={os.environ['OMP_NUM_THREADS']}"
    )


def answer_to(submit: Submit) -> Answered:
    """What a worker answers to an item."""
    problem, item = Toy(), submit.item
    losses, gradient = problem.losses_and_gradient(item.group, item.u, item.sweeps, item.weights)
    return Answered(submit.worker, Answer(item.tag, losses, gradient))


def submits(actions: list) -> list[Submit]:
    """The items that are handed out."""
    return [action for action in actions if isinstance(action, Submit)]
