"""A job's problem whose gradient fails at given parameters: what a worker of poison.py builds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from rallax.workflows.problem import from_config


class Poisoned:
    """The problem of a job; ``bad`` lists (parameters, way): "nan", "memory" or "hang"."""

    def __init__(self, inner: Any, bad: list[tuple[np.ndarray, str]]) -> None:
        self._inner, self._bad = inner, bad
        self.space, self.groups = inner.space, inner.groups
        self.losses, self.traces = inner.losses, inner.traces

    def losses_and_gradient(
        self, group: int, u: np.ndarray, sweeps: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        nan = np.zeros(len(u), bool)
        for parameters, way in self._bad:
            here = (u == parameters).all(axis=1)
            if here.any() and way == "nan":
                nan |= here
            elif here.any():
                _fail(way)
        losses, gradient = self._inner.losses_and_gradient(group, u, sweeps, weights)
        return losses, np.where(nan[:, None], np.nan, gradient)


def _fail(way: str) -> None:
    if way == "memory":
        jnp.zeros(2**45, jnp.float32).block_until_ready()  # XLA: RESOURCE_EXHAUSTED
    time.sleep(1e6)


def build(config: Mapping[str, Any]) -> Poisoned:
    """The entry of the recipe."""
    bad = [(np.array(parameters), way) for parameters, way in config["bad"]]
    return Poisoned(from_config(config), bad)
