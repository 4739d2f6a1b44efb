"""The system as a sparse matrix for a solver that others wrote: a cross-check, not a way to be fast.

On the CPU `jax.experimental.sparse.linalg.spsolve` calls SciPy (SuperLU) from inside the compiled program, lane by
lane. It is for the CPU.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.custom_batching import sequential_vmap

from ..types import NodeLanes
from .base import LinearSolver
from .mesh import BridgeLanes
from .structure import Structure


class Sparse(LinearSolver):
    """Sparse direct solution by JAX's `spsolve`. It keeps no factors: its factors are the matrix."""

    def factor(
        self, structure: Structure, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
    ) -> jax.Array:
        """The entries of S, [entry, lane], row by row; zeros after the last."""
        n = diagonal.shape[0]
        parts = [diagonal, *[jnp.where(_is_root(structure)[:, None], 0.0, -coupling)] * 2]
        if bridge_g is not None:
            parts += [bridge_g, bridge_g, -bridge_g, -bridge_g]
        lanes = jnp.broadcast_shapes(*(part.shape[1:] for part in parts))
        values = jnp.concatenate([jnp.broadcast_to(part, (part.shape[0], *lanes)) for part in parts])
        order, entry, _, _ = _pattern(structure, n)
        return jax.ops.segment_sum(values[order], entry, values.shape[0], indices_are_sorted=True)

    def apply(
        self,
        structure: Structure,
        factors: jax.Array,
        coupling: NodeLanes,
        bridge_g: BridgeLanes | None,
        rhs: NodeLanes,
    ) -> NodeLanes:
        """x."""
        n = rhs.shape[0]
        _, _, column, first = _pattern(structure, n)
        values = jnp.broadcast_to(factors, (factors.shape[0], *rhs.shape[1:]))
        return jax.vmap(_spsolve, in_axes=(1, None, None, 1), out_axes=1)(values, column, first, rhs)


@sequential_vmap
def _spsolve(values: jax.Array, column: jax.Array, first: jax.Array, rhs: jax.Array) -> jax.Array:
    # Imported here: it takes long beside what else the simulator imports.
    from jax.experimental.sparse.linalg import spsolve

    return spsolve(values, column, first, rhs)


def _is_root(structure: Structure) -> jax.Array:
    return structure.parent_of == jnp.arange(structure.parent_of.shape[0])


def _pattern(structure: Structure, n: int) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The summands of S sorted by row and column; the entry that each belongs to; the entries' columns; and the first
    entry of each row, with one past the last.

    What several summands make is one entry, so that there are more places than entries; SciPy reads no further than
    the last.
    """
    own, parent = jnp.arange(n, dtype=jnp.int32), structure.parent_of
    rows, columns = [own, own, parent], [own, parent, own]
    if structure.bridges is not None:
        a, b = structure.bridges.a, structure.bridges.b
        rows += [a, b, a, b]
        columns += [a, b, b, a]
    row, column = jnp.concatenate(rows), jnp.concatenate(columns)
    order = jnp.lexsort((column, row))
    row, column = row[order], column[order]
    is_new = jnp.append(True, (row[1:] != row[:-1]) | (column[1:] != column[:-1]))
    entry = jnp.cumsum(is_new) - 1
    first = jnp.append(jnp.searchsorted(row, own), row.shape[0])
    return (
        order,
        entry,
        jnp.zeros_like(column).at[entry].set(column),
        jnp.append(entry, entry[-1] + 1)[first].astype(jnp.int32),
    )
