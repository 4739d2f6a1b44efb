"""The loop over time forwards, then backwards: for a value with its gradient, cheaper than time_loop.py, reverse only.

Forwards, the states before each step are saved and nothing else. Backwards, a step is computed again from them and is
told what it led to, since that is what was saved next: what it would have to solve for, it need not (`Solver.step`,
`after`). Saved states lie in a `Store` that the caller keeps from call to call: gigabytes of fresh memory would have to
be cleared each time, which costs as much as to fill them.

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

#: (constants, carry, x, the carry that this step led to or None) -> (carry, y)
Step = Callable[[Any, Any, Any, Any], tuple[Any, Any]]
#: For each level, outermost first, carries [turn + 1, ...]: those before its turns and that after the last.
Store = list[Any]


def new_store(carry: Any, levels: Sequence[int]) -> Store:
    """Room for the carries of these levels; `carry` is one, or its shapes."""
    return [jax.tree.map(lambda a, n=n: jnp.zeros((n + 1, *a.shape), a.dtype), carry) for n in levels]


def forwards(
    step: Step, constants: Any, carry: Any, xs: Any, levels: Sequence[int], store: Store
) -> tuple[Any, Any, Store]:
    """`lax.scan` of `step` over `xs`: the last carry and ys; and the store, filled for `backwards`."""
    n, block = _length(xs), math.prod(levels[1:])
    if len(levels) > 1 and n <= block:
        last, ys, inner = forwards(step, constants, carry, xs, levels[1:], store[1:])
        return last, ys, [store[0], *inner]

    def turn(state: tuple[Any, Any], at: tuple[jax.Array, Any]) -> tuple[tuple[Any, Any], Any]:
        (carry, saved), (k, x) = state, at
        new, ys = _plain(step, constants, carry, x) if len(levels) > 1 else step(constants, carry, x, None)
        return (new, _put(saved, k, carry)), ys

    if len(levels) == 1:
        (last, saved), ys = lax.scan(turn, (carry, store[0]), (jnp.arange(n), xs))
        return last, ys, [_put(saved, n, last)]
    heads, tail = _blocks(xs, block)
    full = n // block
    (last, saved), ys = lax.scan(turn, (carry, store[0]), (jnp.arange(full), heads))
    ys = jax.tree.map(lambda y: y.reshape(-1, *y.shape[2:]), ys)
    saved = _put(saved, full, last)
    if tail is not None:
        last, more = _plain(step, constants, last, tail)
        ys = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), ys, more)
    return last, ys, [saved, *store[1:]]


def backwards(
    step: Step,
    free: Any,
    held: Any,
    xs: Any,
    levels: Sequence[int],
    store: Store,
    of_last: Any,
    of_ys: Any,
    of_free: Any,
) -> tuple[Any, Any, Store]:
    """The cotangent of the first carry; that of the constants added to `of_free`; and the store.

    Args:
        free, held: the constants that are differentiated and those that are not, each with None in the other's places.
        of_last, of_ys: cotangents of what `forwards` returned.
    """
    n, block = _length(xs), math.prod(levels[1:])
    if len(levels) > 1 and n <= block:
        of_carry, of_free, inner = backwards(step, free, held, xs, levels[1:], store[1:], of_last, of_ys, of_free)
        return of_carry, of_free, [store[0], *inner]
    if len(levels) == 1:

        def turn(state: tuple[Any, Any], at: Any) -> tuple[Any, None]:
            (of_carry, of_free), (k, x, of_y) = state, at
            after = _get(store[0], k + 1)
            _, transpose = jax.vjp(
                lambda carry, free: step(eqx.combine(free, held), carry, x, after), _get(store[0], k), free
            )
            of_carry, more = transpose((of_carry, of_y))
            return (of_carry, jax.tree.map(jnp.add, of_free, more)), None

        (of_carry, of_free), _ = lax.scan(turn, (of_last, of_free), (jnp.arange(n), xs, of_ys), reverse=True)
        return of_carry, of_free, store

    def block_turn(state: tuple[Any, Any, Store], at: Any) -> tuple[Any, None]:
        (of_carry, of_free, inner), (k, xs, of_ys) = state, at
        start = _get(store[0], k)
        _, _, inner = forwards(step, eqx.combine(free, held), start, xs, levels[1:], inner)
        return backwards(step, free, held, xs, levels[1:], inner, of_carry, of_ys, of_free), None

    (heads, tail), (of_heads, of_tail), full = _blocks(xs, block), _blocks(of_ys, block), n // block
    state = (of_last, of_free, store[1:])
    if tail is not None:
        state, _ = block_turn(state, (full, tail, of_tail))
    state, _ = lax.scan(block_turn, state, (jnp.arange(full), heads, of_heads), reverse=True)
    of_carry, of_free, inner = state
    return of_carry, of_free, [store[0], *inner]


def _plain(step: Step, constants: Any, carry: Any, xs: Any) -> tuple[Any, Any]:
    return lax.scan(lambda carry, x: step(constants, carry, x, None), carry, xs)


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
