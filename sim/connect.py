"""Wiring: functions that add synapses between compartments of one network.

Random choices take `seed` (an int or a numpy Generator); without one they are drawn from numpy's global state, so that
`np.random.seed(...)` in a script makes them repeatable.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .description.edges import add_edges
from .description.network import Network
from .description.view import View
from .synapses import Synapse


def connect(pre: View, post: View, synapse_type: Synapse) -> None:
    """Join the compartments of `pre` with those of `post`: the first with the first, the second with the second, ...

    Raises ValueError unless both are views of one network with equally many compartments (or one view has just one).
    """
    _require_network(pre, post)
    a, b = pre._rows, post._rows
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise ValueError(f"connect joins equally many compartments, not {len(a)} and {len(b)}; narrow a view")
    n = max(len(a), len(b))
    _add(pre, np.broadcast_to(a, n), np.broadcast_to(b, n), synapse_type)


def fully_connect(
    pre_cell_view: View,
    post_cell_view: View,
    synapse_type: Synapse,
    random_post_comp: bool = False,
    seed: int | np.random.Generator | None = None,
) -> None:
    """Join every cell of one view with every cell of the other.

    A synapse leads from the first compartment of a cell's first branch to that of the other, or, with
    `random_post_comp`, to a random compartment of it.
    """
    pre, post = _cells(pre_cell_view, post_cell_view)
    a, b = np.repeat(np.arange(len(pre)), len(post)), np.tile(np.arange(len(post)), len(pre))
    _join_cells(pre_cell_view, post_cell_view, synapse_type, pre[a], post[b], random_post_comp, seed)


def sparse_connect(
    pre_cell_view: View,
    post_cell_view: View,
    synapse_type: Synapse,
    p: float,
    random_post_comp: bool = False,
    seed: int | np.random.Generator | None = None,
) -> None:
    """Join each pair of cells with probability `p`, at most once (p = 1 joins all); places as in `fully_connect`.

    Raises ValueError unless 0 <= p <= 1.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"sparse_connect takes a probability from 0 to 1, not p={p}")
    pre, post = _cells(pre_cell_view, post_cell_view)
    rng = _Random(seed)
    # As many pairs as independent coins would give, and which ones: the same law, without a coin for every pair.
    n = rng.binomial(len(pre) * len(post), p)
    pairs = np.sort(rng.distinct(len(pre) * len(post), n))
    a, b = pairs // len(post), pairs % len(post)
    _join_cells(pre_cell_view, post_cell_view, synapse_type, pre[a], post[b], random_post_comp, rng)


def connectivity_matrix_connect(
    pre_cell_view: View,
    post_cell_view: View,
    synapse_type: Synapse,
    connectivity_matrix: np.ndarray,
    random_post_comp: bool = False,
    seed: int | np.random.Generator | None = None,
) -> None:
    """Join the pairs of cells that a boolean matrix (pre, post) marks, row by row; places as in `fully_connect`."""
    pre, post = _cells(pre_cell_view, post_cell_view)
    matrix = np.asarray(connectivity_matrix)
    if matrix.shape != (len(pre), len(post)):
        raise ValueError(f"the connectivity matrix is (pre, post) = ({len(pre)}, {len(post)}), not {matrix.shape}")
    if matrix.dtype != bool:
        raise ValueError(f"the connectivity matrix holds True and False, not {matrix.dtype}; e.g. matrix > 0")
    a, b = np.nonzero(matrix)
    _join_cells(pre_cell_view, post_cell_view, synapse_type, pre[a], post[b], random_post_comp, seed)


class _Random:
    """A numpy Generator, or numpy's global state, under one set of names."""

    def __init__(self, seed: Any) -> None:
        self._generator = None if seed is None else np.random.default_rng(seed)

    def binomial(self, n: int, p: float) -> int:
        g = self._generator
        return int(np.random.binomial(n, p) if g is None else g.binomial(n, p))  # noqa: NPY002

    def distinct(self, below: int, n: int) -> np.ndarray:
        """n different numbers below `below`."""
        if self._generator is not None:
            return self._generator.choice(below, n, replace=False)
        return np.random.permutation(below)[:n]  # noqa: NPY002

    def below(self, limits: np.ndarray) -> np.ndarray:
        """One number below each of the limits."""
        g = self._generator
        uniform = np.random.random(len(limits)) if g is None else g.random(len(limits))  # noqa: NPY002
        return (uniform * limits).astype(int)


def _join_cells(
    pre_view: View, post_view: View, synapse: Synapse, pre: np.ndarray, post: np.ndarray, anywhere: bool, seed: Any
) -> None:
    """Synapses between the pairs of cells (global numbers) `pre[i]`, `post[i]`."""
    first, _ = _extent(pre_view, pre)
    start, n = _extent(post_view, post)
    rng = seed if isinstance(seed, _Random) else _Random(seed)
    place = rng.below(n) if anywhere else np.zeros(len(post), int)
    by_cell = np.argsort(_cell_of(post_view), kind="stable")
    order_pre = np.argsort(_cell_of(pre_view), kind="stable")
    _add(pre_view, pre_view._rows[order_pre][first], post_view._rows[by_cell][start + place], synapse)


def _extent(view: View, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each cell where its compartments begin among those of the view, sorted by cell, and how many there are."""
    ordered = np.sort(_cell_of(view))
    start = np.searchsorted(ordered, cells)
    return start, np.searchsorted(ordered, cells, side="right") - start


def _cell_of(view: View) -> np.ndarray:
    return view.base._nodes["global_cell_index"].to_numpy()[view._rows]


def _cells(pre: View, post: View) -> tuple[np.ndarray, np.ndarray]:
    _require_network(pre, post)
    return np.unique(_cell_of(pre)), np.unique(_cell_of(post))


def _require_network(pre: View, post: View) -> None:
    if pre.base is not post.base or not isinstance(pre.base, Network):
        raise ValueError("synapses join compartments of one network: connect(net.cell(0)..., net.cell(1)..., synapse)")


def _add(view: View, pre: np.ndarray, post: np.ndarray, synapse: Synapse) -> None:
    if not isinstance(synapse, Synapse):
        raise ValueError(f"connect takes a synapse such as IonotropicSynapse(), not {synapse!r}")
    if len(pre):
        add_edges(view.base, pre, post, synapse)
