"""Unbranched cables as chains: the order of nodes in which the system is tridiagonal.

Host side, numpy; runs once at lowering. Does not solve (stone.py).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..types import Indices


class Cables(eqx.Module):
    """All cables, one after another.

    Attributes:
        order: rows along the cables.
        link: for each place but the last the row whose coupling joins it to the next one.
        joined: for each place but the last 1 where the next one belongs to the same cable, else 0.
    """

    order: Indices
    link: Indices
    joined: Indices


def cables_of(parent_of: np.ndarray) -> Cables | None:
    """The cables, or None where a node has more than two neighbours. `parent_of` [row]: parent's row, a root's own."""
    n = parent_of.size
    child = np.flatnonzero(parent_of != np.arange(n))
    parent = parent_of[child]
    if np.any(np.bincount(np.concatenate([child, parent]), minlength=n) > 2):
        return None
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for c, p in zip(child.tolist(), parent.tolist(), strict=True):
        neighbours[c].append(p)
        neighbours[p].append(c)
    order: list[int] = []
    goes_on: list[bool] = []
    seen = [False] * n
    for end in range(n):
        if seen[end] or len(neighbours[end]) == 2:
            continue
        onward = [end]
        while onward:
            node = onward[0]
            seen[node] = True
            order.append(node)
            onward = [other for other in neighbours[node] if not seen[other]]
            goes_on.append(bool(onward))
    here, following = np.asarray(order[:-1], dtype=np.int64), np.asarray(order[1:], dtype=np.int64)
    arrays = (order, np.where(parent_of[here] == following, here, following), goes_on[:-1])
    return Cables(*(jnp.asarray(a, jnp.int32) for a in arrays))
