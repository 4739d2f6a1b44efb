"""Where the nodes of the cells lie among the rows: groups of equal cells side by side, and the forests they make.

Host side, numpy; runs once at lowering. Owns the order of elimination of the trees; knows no coupling between cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from .forest import Forest


@dataclass(frozen=True)
class Group:
    """`width` cells of the same tree. Their k-th nodes are the rows starts[k] ... starts[k] + width - 1.

    Attributes:
        starts: first row of each super-node.
        parents: for each super-node its parent's number in this group, -1 for a root (there may be several).
        width: number of cells.
    """

    starts: np.ndarray
    parents: np.ndarray
    width: int = 1

    @classmethod
    def of(cls, parents: np.ndarray) -> Group:
        """Single cells from the parent row of each row (-1: a root): all rows of the system, in any order."""
        parents = np.asarray(parents, dtype=np.int64)
        return cls(np.arange(parents.size), parents)


def parent_rows(groups: Sequence[Group]) -> np.ndarray:
    """Row of each row's parent; a root's own.

    Raises ValueError unless the groups hold each row of the system once and every node hangs on a root.
    """
    for group in groups:
        depths(group.parents)
    rows = [_rows(group) for group in groups]
    flat = np.concatenate([r.ravel() for r in rows]) if rows else np.zeros(0, np.int64)
    if not np.array_equal(np.sort(flat), np.arange(flat.size)):
        raise ValueError(f"the groups must hold each of the rows 0 to {flat.size - 1} once, and no other")
    parents = np.empty(flat.size, np.int64)
    for group, r in zip(groups, rows, strict=True):
        own = np.arange(len(group.parents))
        parents[r] = r[np.where(group.parents < 0, own, group.parents)]
    return parents


def forest_of(groups: Sequence[Group], elsewhere: np.ndarray | None = None) -> tuple[Forest, ...]:
    """One forest for each width among the groups, and so one loop for each.

    Args:
        groups: all cells.
        elsewhere: [row] nodes that are left to mesh.py: a super-node as a whole, and with it its parent.

    The deepest nodes are eliminated first. Neighbours in this order seldom wait for one another, which hides the
    latency of the division where there are few lanes.
    """
    forests = []
    for width in sorted({group.width for group in groups}):
        child, parent, depth, roots = [], [], [], []
        for group in groups:
            if group.width != width:
                continue
            starts, is_root = np.asarray(group.starts), group.parents < 0
            here = np.ones(len(starts), bool) if elsewhere is None else ~elsewhere[starts]
            is_child = here & ~is_root
            child.append(starts[is_child])
            parent.append(starts[group.parents[is_child]])
            depth.append(depths(group.parents)[is_child])
            roots.append(starts[here & is_root])
        order = np.argsort(-np.concatenate(depth), kind="stable")
        forests.append(
            Forest(
                width,
                jnp.asarray(np.concatenate(child)[order], jnp.int32),
                jnp.asarray(np.concatenate(parent)[order], jnp.int32),
                jnp.asarray(np.concatenate(roots), jnp.int32),
            )
        )
    return tuple(forests)


def depths(parents: np.ndarray) -> np.ndarray:
    """Number of steps from each node to its root, by pointer doubling.

    Raises ValueError where nodes hang on no root.
    """
    n = len(parents)
    if np.any(np.asarray(parents) >= n):
        raise ValueError(f"the parents of {n} nodes are numbers below {n}, here is {int(np.max(parents))}")
    ancestor = np.append(np.where(parents < 0, n, parents), n)  # n: above the roots
    depth = np.append(np.where(parents < 0, 0, 1), 0)
    for _ in range(int(n).bit_length()):
        depth = depth + depth[ancestor]
        ancestor = ancestor[ancestor]
    if (ancestor < n).any():
        raise ValueError(f"{int((ancestor < n).sum())} nodes do not hang on a root: the parents form a cycle")
    return depth[:n]


def _rows(group: Group) -> np.ndarray:
    """[super-node, cell]"""
    return np.asarray(group.starts)[:, None] + np.arange(group.width)
