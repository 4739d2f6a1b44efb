"""Which nodes a linear system couples: what lowering builds once and every linear solver reads.

Owns the pattern of the symmetric system and the product with it; no number of it, no solution.

    S_ii = diagonal_i + sum of the bridges at i      S_cp = -coupling_c, p the parent of c      S_ab = -g, a bridge

`diagonal` is passed without the bridges' conductances: a conductance far above the others would drown them there.
`coupling[i]` joins node i to its parent; a root's is not read. Units cancel: with conductances in uS and currents in
nA, x is in mV.
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..row_sums import added_rows
from ..types import Indices, NodeLanes
from .cables import Cables, cables_of
from .forest import Forest
from .layout import Group, forest_of, parent_rows
from .mesh import BridgeLanes, Mesh, mesh_of


class Bridges(eqx.Module):
    """Couplings across the trees (gap junctions): the two rows of each. Several may join the same rows."""

    a: Int[Array, " bridge"]
    b: Int[Array, " bridge"]


class Structure(eqx.Module):
    """The pattern of a system.

    Attributes:
        forests: every node that is not in the mesh is a child or a root of exactly one of them.
        links: the same of all nodes; `forests` where there is no mesh.
        parent_of: [node] its parent's row, a root's own.
        bridges: None without gap junctions.
        mesh: the nodes between the ends of bridges and their roots, solved together; None without bridges.
        cables: the nodes as chains; None where a cell is branched.
    """

    forests: tuple[Forest, ...]
    links: tuple[Forest, ...]
    parent_of: Indices
    bridges: Bridges | None
    mesh: Mesh | None
    cables: Cables | None


def build_structure(groups: Sequence[Group], bridges: np.ndarray | None = None) -> Structure:
    """The structure of the cells of `groups`, joined by `bridges` [bridge, 2] of rows. Host side.

    A single cell is `build_structure([Group.of(parents)])`. Raises ValueError unless the groups hold each row once and
    every node hangs on a root, and where a bridge ends outside.
    """
    parent_of = parent_rows(groups)
    n = parent_of.size
    if bridges is None or len(bridges) == 0:
        forests = forest_of(groups)
        return Structure(forests, forests, jnp.asarray(parent_of, jnp.int32), None, None, cables_of(parent_of))
    bridges = np.asarray(bridges, dtype=np.int64)
    if bridges.ndim != 2 or bridges.shape[1] != 2:
        raise ValueError(f"bridges are pairs of rows, an array of shape (n, 2), here is one of shape {bridges.shape}")
    if bridges.min() < 0 or bridges.max() >= n:
        raise ValueError(f"bridges join rows 0 to {n - 1}, here are rows {bridges.min()} to {bridges.max()}")
    in_mesh = _between_bridges(groups, bridges, n)
    return Structure(
        forest_of(groups, in_mesh),
        forest_of(groups),
        jnp.asarray(parent_of, jnp.int32),
        Bridges(*(jnp.asarray(end, jnp.int32) for end in bridges.T)),
        mesh_of(in_mesh, parent_of, bridges),
        cables_of(parent_of),
    )


def from_parents(structure: Structure, x: NodeLanes) -> NodeLanes:
    """For each node the value of its parent; 0 at roots."""
    links = structure.links
    return added_rows(x, [k.parent for k in links], [k.child for k in links], [k.width for k in links], x.shape[0])


def into_parents(structure: Structure, x: NodeLanes) -> NodeLanes:
    """For each node the sum over its children."""
    links = structure.links
    return added_rows(x, [k.child for k in links], [k.parent for k in links], [k.width for k in links], x.shape[0])


def _between_bridges(groups: Sequence[Group], bridges: np.ndarray, n: int) -> np.ndarray:
    """[row] whether it is on the way from a bridge to its root, for any cell of its super-node."""
    is_end = np.zeros(n, bool)
    is_end[bridges] = True
    in_mesh = np.zeros(n, bool)
    for group in groups:
        rows = np.asarray(group.starts)[:, None] + np.arange(group.width)
        front = np.unique(np.nonzero(is_end[rows])[0])
        reached = np.zeros(len(rows), bool)
        reached[front] = True
        while front.size:
            above = np.unique(group.parents[front])
            front = above[(above >= 0) & ~reached[above]]
            reached[front] = True
        in_mesh[rows[reached]] = True
    return in_mesh


def multiply(
    structure: Structure,
    diagonal: NodeLanes | None,
    coupling: NodeLanes | None,
    bridge_g: BridgeLanes | None,
    x: NodeLanes,
) -> NodeLanes:
    """S x; of S only the parts that are given (as a change of S in some operands).

    Args:
        structure: the pattern.
        diagonal: [node, #lane] without the bridges' conductances.
        coupling: [node, #lane] of each node to its parent.
        bridge_g: [bridge, #lane].
        x: [node, lane].
    """
    y = jnp.zeros_like(x) if diagonal is None else diagonal * x
    if coupling is not None:
        parent = structure.parent_of
        g = jnp.where((parent == jnp.arange(parent.shape[0], dtype=parent.dtype))[:, None], 0.0, coupling)
        y = y - (g * from_parents(structure, x) + into_parents(structure, g * x))
    if bridge_g is not None and structure.bridges is not None:
        a, b = structure.bridges.a, structure.bridges.b
        current = bridge_g * (x[a] - x[b])
        y = y.at[a].add(current).at[b].add(-current)
    return y
