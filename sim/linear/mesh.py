"""The nodes that gap junctions couple across the trees: a sparse symmetric system, factorised and solved.

Owns the numbers of the factorisation; symbolic.py made its course at lowering. What hangs on these nodes by trees
alone was eliminated into them before (forest.py).

The matrix is kept as its couplings g_ij >= 0 and the excess e_i = S_ii - sum_j g_ij of each diagonal entry over its
row's couplings. Eliminating node k with pivot d_k = e_k + sum_j g_kj over the nodes left adds

    e_i += g_ki e_k / d_k            g_ij += g_ki g_kj / d_k

to its neighbours: nothing is subtracted, so that every entry of the factor is right to rounding however large a
conductance is (Alfa, Xue & Ye 2002, Math. Comp. 71:217, for diagonally dominant M-matrices). With the diagonal kept
instead, e would be lost beside a large g.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ..types import IndexTable, Indices, NodeLanes
from .symbolic import entries, factorize

EntryLanes = Float[Array, "entry #lane"]
BridgeLanes = Float[Array, "bridge #lane"]


class Mesh(eqx.Module):
    """Nodes that are solved together, numbered by their position in the order of elimination.

    Attributes:
        rows: row of each node.
        edge_child: row whose coupling is that of an edge of the trees within the mesh.
        edge_ends: [edge, 2] positions that it joins.
        edge_entry: entry of the factor where it starts.
        bridge: number of each bridge (those from a node to itself carry no current and are left out).
        bridge_entry: entry of the factor where it starts.
        row, column: positions of each entry of the factor.
        target, left, right, pivot: slots of the updates that factorise, see symbolic.py.
    """

    rows: Indices
    edge_child: Indices
    edge_ends: IndexTable
    edge_entry: Indices
    bridge: Indices
    bridge_entry: Indices
    row: Indices
    column: Indices
    target: Indices
    left: Indices
    right: Indices
    pivot: Indices


class MeshFactors(eqx.Module):
    """Inverse pivots and the entries over their column's pivot."""

    inverse: NodeLanes
    fraction: EntryLanes


def mesh_of(in_mesh: np.ndarray, parent_of: np.ndarray, bridges: np.ndarray) -> Mesh:
    """The mesh of the rows marked in `in_mesh`. Host side.

    Args:
        in_mesh: [row] bool; holds the ends of all bridges, and with a row its parent.
        parent_of: [row] its parent's row, a root's own.
        bridges: [bridge, 2] rows.
    """
    rows = np.flatnonzero(in_mesh)
    number = np.full(in_mesh.size, -1)
    number[rows] = np.arange(rows.size)
    child = rows[parent_of[rows] != rows]
    edges = number[np.stack([child, parent_of[child]], axis=1)]
    real = np.flatnonzero(bridges[:, 0] != bridges[:, 1])
    joined = number[bridges[real]]
    symbolic = factorize(rows.size, np.concatenate([edges, joined]))
    position = np.argsort(symbolic.order)
    arrays = (
        rows[symbolic.order],
        child,
        position[edges],
        entries(symbolic, edges),
        real,
        entries(symbolic, joined),
        symbolic.row,
        symbolic.column,
        symbolic.target,
        symbolic.left,
        symbolic.right,
        symbolic.pivot,
    )
    return Mesh(*(jnp.asarray(a, jnp.int32) for a in arrays))


def factor(mesh: Mesh, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes) -> MeshFactors:
    """Factors of the mesh.

    Args:
        mesh: the nodes.
        diagonal: [node, lane] of all rows, after elimination of the trees; without the bridges' conductances.
        coupling: [node, #lane] of all rows.
        bridge_g: [bridge, #lane].
    """
    n, n_entries = mesh.rows.shape[0], mesh.row.shape[0]
    lanes = jnp.broadcast_shapes(diagonal.shape[1:], coupling.shape[1:], bridge_g.shape[1:])
    g = coupling[mesh.edge_child]
    excess = diagonal[mesh.rows] + jnp.zeros(lanes, diagonal.dtype)
    excess = excess.at[mesh.edge_ends[:, 0]].add(-g).at[mesh.edge_ends[:, 1]].add(-g)
    entry = jnp.zeros((n_entries, *lanes), diagonal.dtype)
    entry = entry.at[mesh.edge_entry].add(g).at[mesh.bridge_entry].add(bridge_g[mesh.bridge])
    values = jnp.concatenate([excess, jnp.zeros_like(excess), jnp.ones((1, *lanes), diagonal.dtype), entry])

    def update(k: jax.Array, v: jax.Array) -> jax.Array:
        target = mesh.target[k]
        change = _row(v, mesh.left[k]) * _row(v, mesh.right[k]) / _row(v, mesh.pivot[k])
        return _put(v, _row(v, target) + change, target)

    values = lax.fori_loop(0, mesh.target.shape[0], update, values)
    inverse = 1.0 / values[n : 2 * n]
    return MeshFactors(inverse, values[2 * n + 1 :] * inverse[mesh.column])


def solve(mesh: Mesh, factors: MeshFactors, rhs: NodeLanes) -> NodeLanes:
    """The solution at the mesh's nodes, in the order of `mesh.rows`, from the right-hand side there."""
    n = mesh.row.shape[0]

    def eliminate(k: jax.Array, b: jax.Array) -> jax.Array:
        row = mesh.row[k]
        return _put(b, _row(b, row) + _row(factors.fraction, k) * _row(b, mesh.column[k]), row)

    def substitute(k: jax.Array, x: jax.Array) -> jax.Array:
        k = n - 1 - k
        column = mesh.column[k]
        return _put(x, _row(x, column) + _row(factors.fraction, k) * _row(x, mesh.row[k]), column)

    lanes = jnp.broadcast_shapes(rhs.shape, factors.inverse.shape)
    if n == 0:
        return rhs * factors.inverse
    reduced = lax.fori_loop(0, n, eliminate, jnp.broadcast_to(rhs, lanes))
    return lax.fori_loop(0, n, substitute, reduced * factors.inverse)


def _row(a: jax.Array, i: jax.Array) -> jax.Array:
    return lax.dynamic_index_in_dim(a, i, 0, keepdims=False)


def _put(a: jax.Array, row: jax.Array, i: jax.Array) -> jax.Array:
    return lax.dynamic_update_index_in_dim(a, row, i, 0)
