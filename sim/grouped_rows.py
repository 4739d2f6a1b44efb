"""Many entries that belong to fewer rows: a row's value for each of its entries, and sums of entries by row.

Synapses and the compartments they join: `picked` gives every synapse the voltage of its compartment, `summed` every
compartment the current of its synapses. Each is the transpose of the other. On the CPU neither is a scatter, which XLA
neither compiles to a loop with vectors nor lets be part of one; other backends index and scatter.

Sums go by slots: the first entries of all rows, then the second ones of those rows that have two, and so on. With rows
in the order of falling numbers of entries, a slot is added to the first rows as a block. Where these rows are few
stretches of neighbours, as the somata of equal cells are, they are copied and not looked up one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Primitive

from .assembly import assemble
from .row_primitive import Transpose, define
from .types import Indices, ValueLanes

#: Slots have at most so many widths: each is a piece of program to compile.
_MOST_WIDTHS = 32
#: More slots (in a sum: of one width) are handled by a loop.
_MOST_WRITTEN_OUT = 64
#: Fewer entries are not kept apart.
_SMALL = 64
#: Rows in more stretches are looked up.
_MOST_STRETCHES = 8

#: (width, starts) for each width.
Slots = tuple[tuple[int, tuple[int, ...]], ...]
#: (first row, or None for no row; how many) of each stretch; None: rows that are not taken by stretches.
Stretches = tuple[tuple[int | None, int], ...] | None

_picked_p = Primitive("picked_rows")
_summed_p = Primitive("summed_rows")


class Grouping(eqx.Module):
    """Which row each entry belongs to, made on the host.

    Attributes:
        index: of each entry its row.
        order: entries slot by slot, filled up with the number of entries where a slot is made wider; None: that order
            is the entries' own.
        place: of each row its place among the sums, which is one behind the last where it has no entry.
        slots: for each width the places in `order` where slots of that width start; the first width is the number of
            rows that have entries.
        first, sums: as stretches the rows of the first slot, where entries are in the order of the slots, and `place`.
    """

    index: Indices
    order: Indices | None
    place: Indices
    slots: Slots = eqx.field(static=True)
    first: Stretches = eqx.field(static=True)
    sums: Stretches = eqx.field(static=True)

    @classmethod
    def of(cls, index: np.ndarray, n_rows: int) -> Grouping:
        """Entry i belongs to row `index[i]` of `n_rows`; at least one entry."""
        index = np.asarray(index, int)
        order, n_used, slots = by_slots(index, n_rows)
        place = np.full(n_rows, n_used)
        place[index[order[:n_used]]] = np.arange(n_used)
        padded, starts = _widened(order, slots, len(index))
        own = np.array_equal(padded, np.arange(len(index)))
        return cls(
            jnp.asarray(index, jnp.int32),
            None if own else jnp.asarray(padded, jnp.int32),
            jnp.asarray(place, jnp.int32),
            tuple((width, tuple(where)) for width, where in starts.items()),
            stretches(index[:n_used], n_rows) if own else None,
            stretches(place, n_used),
        )

    def picked(self, x: ValueLanes, *, apart: bool = False) -> ValueLanes:
        """[entry, lane] of x [row, lane].

        Args:
            apart: keep it out of the arithmetic that it goes into, where that is dear: XLA would fuse the two, and then
                the arithmetic goes element by element.
        """
        return _picked_p.bind(x, *self._operands(), **self._constants(), apart=apart)

    def summed(self, x: ValueLanes) -> ValueLanes:
        """[row, lane]: for each row the sum of its entries, x [entry, lane]; 0 where it has none."""
        return _summed_p.bind(x, *self._operands(), **self._constants(), apart=False)

    def _operands(self) -> tuple[Indices, ...]:
        order = () if self.order is None else (self.order,)
        return (self.index, self.place, *order)

    def _constants(self) -> dict[str, Any]:
        return {"slots": self.slots, "first": self.first, "sums": self.sums}


def by_slots(index: np.ndarray, n_rows: int) -> tuple[np.ndarray, int, np.ndarray]:
    """Entries slot by slot; the number of rows that have any; and the sizes of the slots, falling."""
    degree = np.bincount(index, minlength=n_rows)
    rank = np.argsort(np.argsort(-degree, kind="stable"))
    by_row = np.argsort(index, kind="stable")
    first = np.concatenate([[0], np.cumsum(degree)])[:-1]
    slot = np.empty(len(index), int)
    slot[by_row] = np.arange(len(index)) - first[index[by_row]]
    return np.lexsort((rank[index], slot)), int((degree > 0).sum()), np.bincount(slot)


def stretches(rows: np.ndarray, none: int) -> Stretches:
    """`rows` as stretches of neighbours, those equal to `none` as no row; None where these are many."""
    if not len(rows):
        return None
    missing = rows == none
    starts = np.flatnonzero(np.where(missing[1:] | missing[:-1], missing[1:] != missing[:-1], np.diff(rows) != 1)) + 1
    if len(starts) >= _MOST_STRETCHES:
        return None
    edges = [0, *starts.tolist(), len(rows)]
    return tuple((None if missing[a] else int(rows[a]), b - a) for a, b in pairwise(edges))


def _widened(order: np.ndarray, slots: np.ndarray, n_entries: int) -> tuple[np.ndarray, dict[int, list[int]]]:
    """`order` with slots made wider to few widths, and where those of each width start."""
    widths = np.unique(slots)[::-1]
    if len(widths) > _MOST_WIDTHS:
        widths = np.unique(np.ceil(np.geomspace(slots[0], 1, _MOST_WIDTHS)).astype(int))[::-1]
    parts: list[np.ndarray] = []
    starts: dict[int, list[int]] = {int(widths[0]): []}
    at = entry = 0
    for size in slots:
        width = int(widths[widths >= size].min())
        starts.setdefault(width, []).append(at)
        parts += [order[entry : entry + size], np.full(width - size, n_entries)]
        at, entry = at + width, entry + size
    return np.concatenate(parts), starts


def _pick(x: jax.Array, index: jax.Array) -> jax.Array:
    return x.at[index].get(mode="promise_in_bounds")


def _by_copies(
    x: jax.Array,
    index: jax.Array,
    _: jax.Array,
    *order: jax.Array,
    slots: Slots,
    first: Stretches,
    apart: bool,
    **__: Any,
) -> jax.Array:
    """Where entries are in the order of the slots, each slot is a copy of the first rows in that order."""
    n = len(index)
    if order or n < _SMALL:
        return _picked_apart(x, index) if apart else _pick(x, index)
    x = _picked_apart(x, index[: slots[0][0]]) if first is None else _taken(x, first)
    if sum(len(starts) for _, starts in slots) <= _MOST_WRITTEN_OUT:
        return _apart(jnp.concatenate([lax.slice_in_dim(x, 0, width) for width, starts in slots for _ in starts]))
    found = jnp.zeros((n, *x.shape[1:]), x.dtype)
    for width, starts in slots:
        where = jnp.asarray(starts if len(starts) > 1 else 2 * starts, jnp.int32)

        def turn(k: jax.Array, found: jax.Array, width: int = width, where: jax.Array = where) -> jax.Array:
            return lax.dynamic_update_slice_in_dim(found, lax.slice_in_dim(x, 0, width), where[k], 0)

        found = lax.fori_loop(0, where.shape[0], turn, found)
    return found


def _picked_apart(x: jax.Array, index: jax.Array) -> jax.Array:
    """x[index], fused neither with what x is made of nor with what becomes of it."""
    return _pick(x, index) if index.shape[0] < _SMALL else _apart(_pick(_apart(x), index))


def _apart(x: jax.Array) -> jax.Array:
    """x, by a loop of two turns that change nothing: XLA does not see that they do not, and fuses through no loop.

    A loop that copied x would need a buffer, and XLA would fill it at each step of the simulation.
    """
    if x.shape[0] < _SMALL:
        return x

    def turn(k: jax.Array, x: jax.Array) -> jax.Array:
        row = lax.dynamic_slice_in_dim(x, k, 1, 0)
        return lax.dynamic_update_slice_in_dim(x, jnp.where(k < 2, row, 0), k, 0)

    return lax.fori_loop(0, 2, turn, x)


def _taken(x: jax.Array, where: Sequence[tuple[int | None, int]]) -> jax.Array:
    """The rows of these stretches, fused with nothing."""
    blocks = [
        jnp.zeros((n, *x.shape[1:]), x.dtype) if start is None else lax.slice_in_dim(x, start, start + n)
        for start, n in where
    ]
    return assemble(blocks) if len(blocks) > 1 else _apart(blocks[0])


def _by_blocks(
    x: jax.Array, index: jax.Array, place: jax.Array, *order: jax.Array, slots: Slots, sums: Stretches, **_: Any
) -> jax.Array:
    for o in order:
        # A place that only makes a slot wider takes some entry, times 0: to ask for each element would cost more.
        filled = (o < index.shape[0]).astype(x.dtype)
        x = _picked_apart(x, jnp.minimum(o, index.shape[0] - 1))
        if o.shape[0] > index.shape[0]:
            x = x * filled.reshape(-1, *[1] * (x.ndim - 1))
    total = jnp.zeros((slots[0][0] + 1, *x.shape[1:]), x.dtype)
    for width, starts in slots:
        block = _sum_of_slices(x, starts, width)
        total = lax.dynamic_update_slice_in_dim(total, lax.slice_in_dim(total, 0, width) + block, 0, 0)
    return _picked_apart(total, place) if sums is None else _taken(total, sums)


def _by_scatter(x: jax.Array, index: jax.Array, place: jax.Array, *_: jax.Array, **__: Any) -> jax.Array:
    return jnp.zeros((place.shape[0], *x.shape[1:]), x.dtype).at[index].add(x)


def _sum_of_slices(x: jax.Array, starts: Sequence[int], width: int) -> jax.Array:
    """Written out, since XLA makes vectors of slices at known places; of very many by a loop."""
    if len(starts) <= _MOST_WRITTEN_OUT:
        return reduce(add, (lax.slice_in_dim(x, start, start + width) for start in starts))
    where = jnp.asarray(starts, jnp.int32)

    def turn(k: jax.Array, total: jax.Array) -> jax.Array:
        return total + lax.dynamic_slice_in_dim(x, where[k], width, 0)

    return lax.fori_loop(0, len(starts), turn, jnp.zeros((width, *x.shape[1:]), x.dtype))


def _transpose_to(other: Primitive) -> Transpose:
    return lambda cotangent, x, operands, constants: other.bind(cotangent, *operands, **constants)


define(
    _picked_p,
    n_rows=lambda index, place, *_, **__: index.shape[0],
    transpose=_transpose_to(_summed_p),
    on_cpu=_by_copies,
    elsewhere=lambda x, index, *_, **__: _pick(x, index),
    constants=("slots", "first", "sums", "apart"),
)
define(
    _summed_p,
    n_rows=lambda index, place, *_, **__: place.shape[0],
    transpose=_transpose_to(_picked_p),
    on_cpu=_by_blocks,
    elsewhere=_by_scatter,
    constants=("slots", "first", "sums", "apart"),
)
