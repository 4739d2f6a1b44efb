"""Rows of one array added into rows of another: currents into compartments, children into parents, and back.

One linear operation, `added_rows`, whose transpose is itself with source and target exchanged. Indexing and a scatter
would do the same, but not well on the CPU: XLA's derivative of an index is a scatter, which it compiles to a slow loop;
and one of a single row it fuses into the arithmetic around, which then goes element by element. Here a loop of its own
makes the sums, which XLA does not fuse through. Other backends index and scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive

from .row_primitive import define
from .types import Indices, ValueLanes

_added_rows_p = Primitive("added_rows")


def added_rows(
    x: ValueLanes, sources: Sequence[Indices], targets: Sequence[Indices], widths: Sequence[int], n_rows: int
) -> ValueLanes:
    """[n_rows, lane]: to `width` rows from each target on, that many rows of x from its source on are added.

    Args:
        x: [row, lane].
        sources, targets: first rows, an array of each for every width.
    """
    indices = [i for pair in zip(sources, targets, strict=True) for i in pair]
    return _added_rows_p.bind(x, *indices, widths=tuple(widths), n_rows=n_rows)


def _by_loops(x: jax.Array, *indices: jax.Array, widths: tuple[int, ...], n_rows: int) -> jax.Array:
    # A loop of one turn would be dissolved: it gets a second, into rows that are cut off.
    spare = max((w for w, i in zip(widths, indices[::2], strict=True) if i.shape[0] == 1), default=0)
    found = jnp.zeros((n_rows + spare, *x.shape[1:]), x.dtype)
    for source, target, width in zip(indices[::2], indices[1::2], widths, strict=True):
        n = source.shape[0]
        if n == 1:
            source, target = jnp.tile(source, 2), jnp.append(target, jnp.asarray(n_rows, target.dtype))

        def add(
            k: jax.Array, found: jax.Array, source: jax.Array = source, target: jax.Array = target, width: int = width
        ) -> jax.Array:
            rows = lax.dynamic_slice_in_dim(x, source[k], width, 0)
            here = lax.dynamic_slice_in_dim(found, target[k], width, 0)
            return lax.dynamic_update_slice_in_dim(found, here + rows, target[k], 0)

        if n:
            found = lax.fori_loop(0, source.shape[0], add, found)
    return found[:n_rows]


def _by_scatter(x: jax.Array, *indices: jax.Array, widths: tuple[int, ...], n_rows: int) -> jax.Array:
    found = jnp.zeros((n_rows, *x.shape[1:]), x.dtype)
    for source, target, width in zip(indices[::2], indices[1::2], widths, strict=True):
        source, target = ((i[:, None] + jnp.arange(width)).reshape(-1) for i in (source, target))
        found = found.at[target].add(x[source])
    return found


def _exchanged(cotangent: Any, x: Any, indices: tuple[Any, ...], constants: dict[str, Any]) -> Any:
    exchanged = [i for pair in zip(indices[1::2], indices[::2], strict=True) for i in pair]
    return _added_rows_p.bind(cotangent, *exchanged, widths=constants["widths"], n_rows=x.shape[0])


define(
    _added_rows_p,
    n_rows=lambda *_, widths, n_rows: n_rows,
    transpose=_exchanged,
    on_cpu=_by_loops,
    elsewhere=_by_scatter,
    constants=("widths", "n_rows"),
)
