"""The sweeps of all groups in one row, in the job's order, and their division into chunks of the fixed width."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from .precision import float64_on_cpu
from .problem import SweepGroup
from .work import Kind

_PLANS_KEPT = 256
"""The few plans of a fit on all sweeps recur; the many of random sweeps are not worth keeping."""


@dataclass(frozen=True)
class Chunk:
    """Sweeps of one group that go into one item: ``columns`` are their places in the whole row, ``width`` the padded
    number, ``weights`` what their losses count in the round's sum."""

    kind: Kind
    group: int
    columns: tuple[int, ...]
    sweeps: tuple[int, ...]
    weights: tuple[float, ...]
    width: int


class SweepTable:
    """All sweeps, groups one after the other: names, weights, and which columns train and which validate."""

    def __init__(self, groups: Sequence[SweepGroup], widths: Sequence[int]) -> None:
        self.names = tuple(name for group in groups for name in group.sweeps)
        self.weights = np.array([w for group in groups for w in group.weights], np.float64)
        use = [u for group in groups for u in group.use]
        self.train = tuple(i for i, u in enumerate(use) if u == "train")
        self.validate = tuple(i for i, u in enumerate(use) if u == "validate")
        self.columns = tuple(range(len(use)))
        self._place = tuple((g, s) for g, group in enumerate(groups) for s in range(len(group)))
        self._widths = tuple(widths)
        self._plans: dict[tuple[Kind, tuple[int, ...]], tuple[Chunk, ...]] = {}

    def __len__(self) -> int:
        return len(self.names)

    def shares(self, columns: Sequence[int]) -> dict[int, float]:
        """The weight of each column over the sum of all given: what its loss counts in their mean."""
        total = 0.0
        for c in columns:
            total += float(self.weights[c])
        return {c: float(self.weights[c]) / total for c in columns}

    def plan(self, kind: Kind, columns: Sequence[int]) -> tuple[Chunk, ...]:
        """Chunks of the given columns, in order, each within one group and at most as wide as its items."""
        known = self._plans.get((kind, tuple(columns)))
        if known is not None:
            return known
        shares = self.shares(columns) if columns else {}
        chunks = []
        for g, width in enumerate(self._widths):
            own = [c for c in sorted(columns) if self._place[c][0] == g]
            for first in range(0, len(own), width):
                part = tuple(own[first : first + width])
                sweeps = tuple(self._place[c][1] for c in part)
                chunks.append(Chunk(kind, g, part, sweeps, tuple(shares[c] for c in part), width))
        if len(self._plans) < _PLANS_KEPT:
            self._plans[kind, tuple(columns)] = tuple(chunks)
        return tuple(chunks)

    def mean(self, losses: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        """The weighted mean of [lanes, sweeps] over the columns, added up in their order."""
        total = np.zeros(losses.shape[0])
        for c, share in self.shares(columns).items():
            total = total + share * losses[:, c]
        return total


class SweepSampler:
    """The random training sweeps of a step: a function of seed, block and step alone."""

    def __init__(self, seed: int, columns: Sequence[int], n: int) -> None:
        self._columns = tuple(columns)
        self._n = n
        self._last: dict[int, tuple[int, tuple[int, ...]]] = {}
        """The step of each block that was asked for last, with its columns: it is asked for again when it closes."""
        if n:
            with float64_on_cpu():
                self._key = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), 1)

    def columns(self, block: int, step: int) -> tuple[int, ...]:
        """All training columns, or the n drawn for this block and step, in the job's order."""
        if not self._n:
            return self._columns
        last = self._last.get(block)
        if last is None or last[0] != step:
            with float64_on_cpu():
                order = np.asarray(_permutation(self._key, np.uint32(block), np.uint32(step), len(self._columns)))
            last = step, tuple(self._columns[i] for i in sorted(order[: self._n].tolist()))
            self._last[block] = last
        return last[1]


@functools.partial(jax.jit, static_argnums=3)
def _permutation(key: jax.Array, block: jax.Array, step: jax.Array, n: int) -> jax.Array:
    return jax.random.permutation(jax.random.fold_in(jax.random.fold_in(key, block), step), jnp.arange(n))
