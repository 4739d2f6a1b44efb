"""Many entries that belong to fewer rows: a row's value for each of its entries, and sums of entries by row.

Synapses and the compartments they join: `picked` gives every synapse the voltage of its compartment, `summed` every
compartment the current of its synapses. Each is the transpose of the other, and neither is a scatter, which XLA's CPU
backend neither compiles to a loop with vectors nor lets be part of one.

Sums go by slots: the first entries of all rows, then the second ones of those rows that have two, and so on. With rows
in the order of falling numbers of entries, a slot is added to the first rows as a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from .types import Indices, ValueLanes

#: Slots have at most so many widths: each is a piece of program to compile.
_MOST_WIDTHS = 32
#: More slots of one width are added by a loop.
_MOST_WRITTEN_OUT = 64
#: Fewer entries are not kept apart.
_SMALL = 64

#: (width, starts) for each width.
Slots = tuple[tuple[int, tuple[int, ...]], ...]

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
    """

    index: Indices
    order: Indices | None
    place: Indices
    slots: Slots = eqx.field(static=True)

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
        return {"slots": self.slots}


def by_slots(index: np.ndarray, n_rows: int) -> tuple[np.ndarray, int, np.ndarray]:
    """Entries slot by slot; the number of rows that have any; and the sizes of the slots, falling."""
    degree = np.bincount(index, minlength=n_rows)
    rank = np.argsort(np.argsort(-degree, kind="stable"))
    by_row = np.argsort(index, kind="stable")
    first = np.concatenate([[0], np.cumsum(degree)])[:-1]
    slot = np.empty(len(index), int)
    slot[by_row] = np.arange(len(index)) - first[index[by_row]]
    return np.lexsort((rank[index], slot)), int((degree > 0).sum()), np.bincount(slot)


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


def _by_index(
    x: jax.Array, index: jax.Array, place: jax.Array, *order: jax.Array, slots: Slots, apart: bool
) -> jax.Array:
    if not order and len(index) >= _SMALL and len(slots) < _MOST_WIDTHS:
        return _by_copies(_picked_apart(x, index[: slots[0][0]]), len(index), slots)
    return _picked_apart(x, index) if apart else _pick(x, index)


def _by_copies(x: jax.Array, n: int, slots: Slots) -> jax.Array:
    """Where entries are in the order of the slots, of rows in that order: each slot is a copy of the first rows."""
    found = jnp.zeros((n, *x.shape[1:]), x.dtype)
    for width, starts in slots:
        where = jnp.asarray(starts if len(starts) > 1 else 2 * starts, jnp.int32)

        def turn(k: jax.Array, found: jax.Array, width: int = width, where: jax.Array = where) -> jax.Array:
            return lax.dynamic_update_slice_in_dim(found, lax.slice_in_dim(x, 0, width), where[k], 0)

        found = lax.fori_loop(0, where.shape[0], turn, found)
    return found


def _picked_apart(x: jax.Array, index: jax.Array) -> jax.Array:
    """By a loop of two turns, which XLA fuses with nothing."""
    n = index.shape[0]
    half = -(-n // 2)
    if n < _SMALL:
        return _pick(x, index)

    def turn(k: jax.Array, found: jax.Array) -> jax.Array:
        part = lax.dynamic_slice_in_dim(index, k * (n - half), half)
        return lax.dynamic_update_slice_in_dim(found, _pick(x, part), k * (n - half), 0)

    return lax.fori_loop(0, 2, turn, jnp.zeros((n, *x.shape[1:]), x.dtype))


def _by_blocks(
    x: jax.Array,
    index: jax.Array,
    place: jax.Array,
    *order: jax.Array,
    slots: Slots,
    apart: bool,
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
    return _picked_apart(total, place)


def _sum_of_slices(x: jax.Array, starts: Sequence[int], width: int) -> jax.Array:
    """Written out, since XLA makes vectors of slices at known places; of very many by a loop."""
    if len(starts) <= _MOST_WRITTEN_OUT:
        return reduce(add, (lax.slice_in_dim(x, start, start + width) for start in starts))
    where = jnp.asarray(starts, jnp.int32)

    def turn(k: jax.Array, total: jax.Array) -> jax.Array:
        return total + lax.dynamic_slice_in_dim(x, where[k], width, 0)

    return lax.fori_loop(0, len(starts), turn, jnp.zeros((width, *x.shape[1:]), x.dtype))


def _jvp_of(primitive: Primitive) -> Any:
    def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...], **constants: Any) -> tuple[Any, Any]:
        y = primitive.bind(*primals, **constants)
        t = tangents[0]
        if isinstance(t, ad.Zero):
            return y, ad.Zero(jax.typeof(y).to_tangent_aval())
        return y, primitive.bind(t, *primals[1:], **constants)

    return jvp


def _transpose_to(other: Primitive) -> Any:
    def transpose(cotangent: Any, x: Any, *operands: Any, **constants: Any) -> list[Any]:
        nothing = [None] * len(operands)
        if isinstance(cotangent, ad.Zero):
            return [ad.Zero(x.aval), *nothing]
        return [other.bind(cotangent, *operands, **constants), *nothing]

    return transpose


def _batched_of(primitive: Primitive) -> Any:
    def batched(arguments: Sequence[Any], dims: Sequence[Any], **constants: Any) -> tuple[Any, int]:
        """A batch is more lanes."""
        x, *operands = arguments
        if any(d is not None for d in dims[1:]):
            raise ValueError("the rows of a batch are the same: vmap over values, not over what they belong to")
        lanes = jnp.moveaxis(x, dims[0], -1)
        moved = primitive.bind(lanes.reshape(lanes.shape[0], -1), *operands, **constants)
        return moved.reshape(-1, *lanes.shape[1:]), lanes.ndim - 1

    return batched


for _primitive, _function, _other, _rows_of in (
    (_picked_p, _by_index, _summed_p, 0),
    (_summed_p, _by_blocks, _picked_p, 1),
):
    _primitive.def_impl(jax.jit(_function, static_argnames=("slots", "apart")))
    _primitive.def_abstract_eval(
        lambda x, *operands, _rows_of=_rows_of, **_: x.update(shape=(operands[_rows_of].shape[0], *x.shape[1:]))
    )
    mlir.register_lowering(_primitive, mlir.lower_fun(_function, multiple_results=False))
    ad.primitive_jvps[_primitive] = _jvp_of(_primitive)
    ad.primitive_transposes[_primitive] = _transpose_to(_other)
    batching.primitive_batchers[_primitive] = _batched_of(_primitive)
