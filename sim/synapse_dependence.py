"""What a synapse's equations depend on, found by following one value through each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from .synapses import Synapse

#: Names of the voltages on the two sides among what a result depends on.
PRE, POST = "pre", "post"


@lru_cache(maxsize=256)
def is_straight(synapse: Synapse) -> bool:
    """Whether the current is a straight line in the voltage behind: its derivative does not depend on it."""

    def slope(values: dict[str, jax.Array]) -> jax.Array:
        own = {key: values[key] for key in synapse.synapse_states}
        parameters = {key: values[key] for key in synapse.synapse_params}

        def current(post: jax.Array) -> jax.Array:
            return jnp.asarray(synapse.compute_current(own, values[PRE], post, parameters))

        return jax.jvp(current, (values[POST],), (jnp.ones_like(values[POST]),))[1]

    return POST not in _dependence(slope, _values(synapse))


@lru_cache(maxsize=256)
def of_states(synapse: Synapse) -> frozenset[str]:
    """What the states depend on, initial ones at rest included: names of states and parameters, PRE, POST."""

    def states(values: dict[str, jax.Array]) -> Any:
        own = {key: values[key] for key in synapse.synapse_states}
        parameters = {key: values[key] for key in synapse.synapse_params}
        dt = jnp.ones(())
        return [
            synapse.update_states(own, dt, values[PRE], values[POST], parameters),
            synapse.init_state(own, values[PRE], values[POST], parameters, dt),
        ]

    return _dependence(states, _values(synapse))


def _values(synapse: Synapse) -> dict[str, jax.Array]:
    return {key: jnp.ones(()) for key in (PRE, POST, *synapse.synapse_states, *synapse.synapse_params)}


def _dependence(function: Callable[[dict[str, jax.Array]], Any], values: Mapping[str, jax.Array]) -> frozenset[str]:
    """Names of the values that any result depends on; an equation within an equation is taken to mix all."""
    jaxpr = jax.make_jaxpr(function)(dict(values)).jaxpr
    found: dict[Any, frozenset[str]] = {
        var: frozenset([name]) for var, name in zip(jaxpr.invars, sorted(values), strict=True)
    }

    def of(variables: Any) -> frozenset[str]:
        named = [found.get(v, frozenset()) for v in variables if not hasattr(v, "val")]
        return frozenset().union(*named)

    for equation in jaxpr.eqns:
        found.update(dict.fromkeys(equation.outvars, of(equation.invars)))
    return of(jaxpr.outvars)
