"""The loop over time forwards, then backwards: for a value with its gradient, cheaper than time_loop.py, reverse only.

Forwards, the states before each step are saved and nothing else. Backwards, a step is computed again from them and is
told what it led to, since that is what was saved next: what it would have to solve for, it need not (`Solver.step`,
`after`). Saved states lie in a `Store` that the caller keeps from call to call: gigabytes of fresh memory would have to
be cleared each time, which costs as much as to fill them. So do the recordings: a step's [rec, lane] are written to
their place in a `Record` [rec, time, lane], where rows of lanes stay whole and nothing has to be turned afterwards.

Levels are those of time_loop.py. With (n1, n2, ...) the states at the starts of blocks of n2 * ... steps are saved; a
block is run again, saving, when the way back reaches it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

#: (constants, carry, x, the carry that this step led to or None) -> (carry, recordings [rec, lane])
Step = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
#: For each level, outermost first, carries [turn + 1, ...]: those before its turns and that after the last.
Store = list[Any]
#: [rec, time, lane]; None: what a step records is not wanted.
Record = jax.Array | None


def new_store(carry: Any, levels: Sequence[int]) -> Store:
    """Room for the carries of these levels; `carry` is one, or its shapes."""
    return [jax.tree.map(lambda a, n=n: jnp.zeros((n + 1, *a.shape), a.dtype), carry) for n in levels]


def forwards(
    step: Step,
    constants: Any,
    carry: Any,
    xs: Any,
    levels: Sequence[int],
    store: Store,
    record: Record,
    at: int | jax.Array = 0,
) -> tuple[Any, Record, Store]:
    """As `recorded`, and the store, filled for `backwards`."""
    n, block = _length(xs), math.prod(levels[1:])
    if len(levels) > 1 and n <= block:
        last, record, inner = forwards(step, constants, carry, xs, levels[1:], store[1:], record, at)
        return last, record, [store[0], *inner]

    def turn(state: tuple[Any, Any, Record], k_and_x: tuple[jax.Array, Any]) -> tuple[tuple[Any, Any, Record], None]:
        (carry, saved, record), (k, x) = state, k_and_x
        new, record = (
            recorded(step, constants, carry, x, record, at + k * block)
            if len(levels) > 1
            else _recorded_step(step, constants, carry, x, record, at + k)
        )
        return (new, _put(saved, k, carry), record), None

    if len(levels) == 1:
        (last, saved, record), _ = lax.scan(turn, (carry, store[0], record), (jnp.arange(n), xs))
        return last, record, [_put(saved, n, last)]
    heads, tail = _blocks(xs, block)
    full = n // block
    (last, saved, record), _ = lax.scan(turn, (carry, store[0], record), (jnp.arange(full), heads))
    saved = _put(saved, full, last)
    if tail is not None:
        last, record = recorded(step, constants, last, tail, record, at + full * block)
    return last, record, [saved, *store[1:]]


def recorded(
    step: Step, constants: Any, carry: Any, xs: Any, record: Record, at: int | jax.Array = 0
) -> tuple[Any, Record]:
    """The last carry after `step` over `xs`, and the record with what the steps recorded from time `at` on."""

    def turn(state: tuple[Any, Record], k_and_x: tuple[jax.Array, Any]) -> tuple[tuple[Any, Record], None]:
        (carry, record), (k, x) = state, k_and_x
        return _recorded_step(step, constants, carry, x, record, at + k), None

    return lax.scan(turn, (carry, record), (jnp.arange(_length(xs)), xs))[0]


def backwards(
    step: Step,
    free: Any,
    held: Any,
    xs: Any,
    levels: Sequence[int],
    store: Store,
    of_last: Any,
    of_record: jax.Array,
    of_free: Any,
    at: int | jax.Array = 0,
) -> tuple[Any, Any, Store]:
    """The cotangent of the first carry; that of the constants added to `of_free`; and the store.

    Args:
        free, held: the constants that are differentiated and those that are not, each with None in the other's places.
        of_last, of_record, at: cotangents of what `forwards` returned, and its `at`.
    """
    n, block = _length(xs), math.prod(levels[1:])
    if len(levels) > 1 and n <= block:
        of_carry, of_free, inner = backwards(
            step, free, held, xs, levels[1:], store[1:], of_last, of_record, of_free, at
        )
        return of_carry, of_free, [store[0], *inner]
    if len(levels) == 1:

        def turn(state: tuple[Any, Any], k_and_x: tuple[jax.Array, Any]) -> tuple[Any, None]:
            (of_carry, of_free), (k, x) = state, k_and_x
            of_y = lax.dynamic_index_in_dim(of_record, at + k, 1, keepdims=False)
            after = _get(store[0], k + 1)
            _, transpose = jax.vjp(
                lambda carry, free: step(eqx.combine(free, held), carry, x, after), _get(store[0], k), free
            )
            of_carry, more = transpose((of_carry, of_y))
            return (of_carry, jax.tree.map(jnp.add, of_free, more)), None

        (of_carry, of_free), _ = lax.scan(turn, (of_last, of_free), (jnp.arange(n), xs), reverse=True)
        return of_carry, of_free, store

    def block_turn(state: tuple[Any, Any, Store], k_and_xs: tuple[Any, Any]) -> tuple[Any, None]:
        (of_carry, of_free, inner), (k, xs) = state, k_and_xs
        start = _get(store[0], k)
        _, _, inner = forwards(step, eqx.combine(free, held), start, xs, levels[1:], inner, None)
        first = at + k * block
        return backwards(step, free, held, xs, levels[1:], inner, of_carry, of_record, of_free, first), None

    (heads, tail), full = _blocks(xs, block), n // block
    state = (of_last, of_free, store[1:])
    if tail is not None:
        state, _ = block_turn(state, (full, tail))
    state, _ = lax.scan(block_turn, state, (jnp.arange(full), heads), reverse=True)
    of_carry, of_free, inner = state
    return of_carry, of_free, [store[0], *inner]


def _recorded_step(
    step: Step, constants: Any, carry: Any, x: Any, record: Record, at: int | jax.Array
) -> tuple[Any, Record]:
    new, y = step(constants, carry, x, None)
    return new, None if record is None else lax.dynamic_update_index_in_dim(record, y, at, 1)


def _put(saved: Any, k: Any, carry: Any) -> Any:
    return jax.tree.map(lambda s, c: lax.dynamic_update_index_in_dim(s, c, k, 0), saved, carry)


def _get(saved: Any, k: Any) -> Any:
    return jax.tree.map(lambda s: lax.dynamic_index_in_dim(s, k, 0, keepdims=False), saved)


def _length(xs: Any) -> int:
    return jax.tree.leaves(xs)[0].shape[0]


def _blocks(xs: Any, block: int) -> tuple[Any, Any]:
    """Full blocks, and the steps that are left (None: there are none)."""
    n = _length(xs)
    full = n // block
    heads = jax.tree.map(lambda x: x[: full * block].reshape(full, block, *x.shape[1:]), xs)
    return heads, (jax.tree.map(lambda x: x[full * block :], xs) if full * block < n else None)
