"""A value of the recordings with its gradient in the bound values: reverse mode written out, around reverse_loop.py.

    values -> constants and first states -> [loop] -> recordings -> value

The two ends are differentiated by JAX, the loop by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from .inputs import Now
from .reverse_loop import Store, backwards, forwards
from .simulate import Plan, begin, cast, step_of
from .types import Recording

#: Recordings -> (value, whatever else is wanted of them).
Objective = Callable[[Recording], tuple[jax.Array, Any]]


def value_and_gradient(
    plan: Plan,
    values: list[jax.Array],
    inputs: Now,
    dt: jax.Array,
    objective: Objective,
    store: Store,
    record: jax.Array,
    *,
    lanes: int,
    v_init: jax.Array | None,
    steady: bool,
    levels: tuple[int, ...],
) -> tuple[Any, list[jax.Array], Store, jax.Array]:
    """What else `objective` returns, the gradient of its value in `values`, and store and record for the next call.

    Args:
        values, inputs, lanes, v_init, steady: as for `simulate`.
        store, levels: see reverse_loop.py.
        record: room for the recordings, [rec, time + 1, lane]; what it holds is overwritten.
    """

    inputs = cast(inputs, plan.model.dtype)

    def first(values: list[jax.Array]) -> tuple[Any, Any]:
        return begin(plan, values, dt, lanes=lanes, v_init=v_init, steady=steady)

    is_free = _perturbed(lambda values: first(values)[0], values)
    tree = jax.tree.structure(jax.eval_shape(first, values)[0])

    def split(values: list[jax.Array]) -> tuple[Any, Any]:
        constants, states = first(values)
        leaves = jax.tree.leaves(constants)
        free = [leaf for leaf, f in zip(leaves, is_free, strict=True) if f]
        held = [None if f else leaf for leaf, f in zip(leaves, is_free, strict=True)]
        return (free, states), held

    (free, states), transpose_first, held = jax.vjp(split, values, has_aux=True)
    step = step_of(plan)

    def step_of_leaves(leaves: list[Any], states: Any, now: Now, after: Any) -> tuple[Any, jax.Array]:
        return step(jax.tree.unflatten(tree, leaves), states, now, after)

    places = iter(free)
    free = [next(places) if f else None for f in is_free]
    read, transpose_read = jax.vjp(plan.reading.read, states)
    record = lax.dynamic_update_index_in_dim(record, read, 0, 1)
    last, full, store = forwards(step_of_leaves, eqx.combine(free, held), states, inputs, levels, store, record, 1)
    assert full is not None
    value, transpose_objective, other = jax.vjp(objective, full, has_aux=True)
    (of_recorded,) = transpose_objective(jnp.ones_like(value))
    nothing = jax.tree.map(jnp.zeros_like, (last, free))
    of_states, of_free, store = backwards(
        step_of_leaves, free, held, inputs, levels, store, nothing[0], of_recorded, nothing[1], 1
    )
    (of_read,) = transpose_read(of_recorded[:, 0])
    (gradient,) = transpose_first((jax.tree.leaves(of_free), jax.tree.map(jnp.add, of_states, of_read)))
    return other, gradient, store, full


def _perturbed(function: Callable[[Any], Any], argument: Any) -> list[bool]:
    """Which leaves of function(argument) follow from the argument, so that a derivative in it reaches them."""
    found: list[bool] = []

    @jax.custom_vjp
    def probe(leaves: list[Any]) -> jax.Array:
        return jnp.zeros(())

    def forward(leaves: list[Any]) -> tuple[jax.Array, list[Any]]:
        found.extend(leaf.perturbed for leaf in leaves)
        return jnp.zeros(()), [leaf.value for leaf in leaves]

    probe.defvjp(forward, lambda leaves, _: (leaves,), symbolic_zeros=True)

    def probed(argument: Any) -> jax.Array:
        leaves = jax.tree.leaves(function(argument))
        smooth = [leaf for leaf in leaves if eqx.is_inexact_array(leaf)]
        return probe(smooth)

    jax.eval_shape(lambda argument: jax.vjp(probed, argument)[0], argument)
    each = iter(found)
    leaves = jax.tree.leaves(jax.eval_shape(function, argument))
    return [jnp.issubdtype(leaf.dtype, jnp.inexact) and next(each) for leaf in leaves]
