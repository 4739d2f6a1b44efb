"""Synapses in a step: their states, and their currents split into slope and offset in the post side's voltage.

All synapses of a type are one array [edge, lane]. Does not know cables or solvers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from .lowered import Model, PlacedSynapse
from .membrane import States
from .synapse_dependence import is_straight
from .synapses import ElectricalSynapse
from .types import CompLanes, Named


class SynapticCurrent(NamedTuple):
    """Into each compartment: the current i(v) = slope v - offset leaves it (uS, nA); and that of each synapse [nA]."""

    slope: CompLanes
    offset: CompLanes
    currents: dict[str, jax.Array]


def _own(model: Model, placed: PlacedSynapse, states: Named) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    synapse = placed.synapse
    return {k: states[k] for k in synapse.synapse_states}, {k: model.parameters[k] for k in synapse.synapse_params}


def _of_states(
    model: Model, placed: PlacedSynapse, states: Named, v: CompLanes
) -> tuple[Named, jax.Array, jax.Array, Named]:
    """States, voltages before and behind, and parameters of whatever has states: each synapse, or each source."""
    own, parameters = _own(model, placed, states)
    if placed.sources is None:
        return own, placed.pre.picked(v, apart=True), placed.post.picked(v, apart=True), parameters
    # The voltage behind does not count.
    pre = placed.sources.pre.picked(v, apart=True)
    return own, pre, pre, {key: x[placed.sources.example] for key, x in parameters.items()}


def advance_synapses(model: Model, states: States, v: CompLanes, dt: jax.Array) -> States:
    """`states` with those of synapses after dt, at the present voltages of both sides."""
    new = dict(states)
    for placed in model.synapses:
        own, pre, post, parameters = _of_states(model, placed, states, v)
        found = placed.synapse.update_states(own, dt, pre, post, parameters)
        new.update({key: jnp.broadcast_to(value, states[key].shape) for key, value in found.items()})
    return new


def steady_synapses(model: Model, states: States, v: CompLanes, dt: jax.Array) -> States:
    """`states` with those of synapses at rest at the present voltages."""
    new = dict(states)
    for placed in model.synapses:
        own, pre, post, parameters = _of_states(model, placed, states, v)
        found = placed.synapse.init_state(own, pre, post, parameters, dt)
        new.update({key: jnp.broadcast_to(value, states[key].shape) for key, value in found.items()})
    return new


def synaptic_current(model: Model, states: States, v: CompLanes) -> SynapticCurrent:
    """All chemical synapses at the present states, with the derivative in the post side's voltage.

    Electrical ones are part of the linear system (`bridge_conductance`); only their currents are told here.
    """
    slope, offset = jnp.zeros_like(v), jnp.zeros_like(v)
    currents: dict[str, jax.Array] = {}
    for placed in model.synapses:
        own, parameters = _own(model, placed, states)
        if placed.sources is not None:
            own = {key: placed.sources.of.picked(x, apart=True) for key, x in own.items()}
        pre, post = placed.pre.picked(v), placed.post.picked(v)

        def current(
            post: jax.Array, p: PlacedSynapse = placed, s: Named = own, pre: jax.Array = pre, q: Named = parameters
        ) -> jax.Array:
            return jnp.broadcast_to(p.synapse.compute_current(s, pre, post, q), post.shape)

        if isinstance(placed.synapse, ElectricalSynapse):
            currents[f"i_{placed.synapse.name}"] = current(post)
            continue
        # Where the current is a straight line in v, any v tells it, and no synapse has to look its own up.
        at = jnp.zeros_like(post) if is_straight(placed.synapse) else post
        i, di_dv = jax.jvp(current, (at,), (jnp.ones_like(at),))
        slope, offset = slope + placed.post.summed(di_dv), offset + placed.post.summed(di_dv * at - i)
        currents[f"i_{placed.synapse.name}"] = current(post)
    return SynapticCurrent(slope, offset, currents)


def bridge_conductance(model: Model, states: States) -> jax.Array | None:
    """uS of every electrical synapse [bridge, #lane], in the order of the structure's bridges; None without any."""
    found = []
    for placed in model.synapses:
        if isinstance(placed.synapse, ElectricalSynapse):
            own, parameters = _own(model, placed, states)
            g = placed.synapse.conductance(own, parameters)
            found.append(jnp.broadcast_to(g, (placed.n, g.shape[1])))
    if not found:
        return None
    lanes = max(g.shape[1] for g in found)
    return jnp.concatenate([jnp.broadcast_to(g, (g.shape[0], lanes)) for g in found])


def synaptic_currents(model: Model) -> tuple[str, ...]:
    """Names of the synapses' currents."""
    return tuple(f"i_{placed.synapse.name}" for placed in model.synapses)
