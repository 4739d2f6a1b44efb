"""The membrane: mechanisms' states, and their currents split into slope and offset in v.

Reads the lowered model's mechanisms slice by slice. Does not know cables, solvers or time loops.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .lowered import Model, Placed
from .types import CompLanes, Named

States = dict[str, jax.Array]


class Linearized(NamedTuple):
    """The membrane current density around the present v: i(v) = slope v - offset (S/cm^2, mA/cm^2)."""

    slope: CompLanes
    offset: CompLanes
    #: mA/cm^2 of each named current.
    currents: dict[str, CompLanes]


class Seen(dict[str, Any]):
    """What one mechanism sees; a current that no mechanism of the model carries ("i_Ca" beside no channel) is zero."""

    def __init__(self, states: Named, dtype: jnp.dtype) -> None:
        super().__init__(states)
        self.dtype = dtype

    def __missing__(self, key: str) -> jax.Array:
        if not key.startswith("i_"):
            raise KeyError(key)
        return jnp.zeros((), self.dtype)


def parameters_of(model: Model, placed: Placed) -> dict[str, jax.Array]:
    """The parameters that a mechanism sees, on its rows: its own, the shared ones, and the compartments' geometry."""
    rows, cable = placed.rows, model.cable
    own = {k: model.parameters[k] for k in placed.mechanism.channel_params if k not in model.shared_parameters}
    shared = {k: rows.take(model.parameters[k]) for k in model.shared_parameters}
    geometry = {k: rows.take(cable[k]) for k in ("length", "radius", "area", "volume")}
    return {**geometry, "diam": geometry["area"] / (jnp.pi * geometry["length"]), **shared, **own}


def states_of(model: Model, placed: Placed, states: Named) -> Seen:
    """The states that a mechanism sees, on its rows: its own, the shared ones, and the currents of the step before."""
    own = {k: states[k] for k in placed.mechanism.channel_states if k not in model.shared_states}
    seen = (*model.shared_states, *(k for k in states if k in current_names(model)))
    return Seen({**own, **{k: placed.rows.take(states[k]) for k in seen}}, model.dtype)


def current_names(model: Model) -> tuple[str, ...]:
    """Names of the membrane currents, in the order of insertion."""
    return tuple(dict.fromkeys(p.mechanism.current_name for p in model.mechanisms if p.mechanism.current_name))


def merge(model: Model, placed: Placed, states: States, new: Named) -> States:
    """`states` with a mechanism's new ones, shared ones put in its rows."""
    merged = dict(states)
    for key, value in new.items():
        if key in model.shared_states:
            merged[key] = placed.rows.put(states[key], value)
        else:
            merged[key] = jnp.broadcast_to(value, states[key].shape)
    return merged


def advance(model: Model, states: States, v: CompLanes, dt: jax.Array) -> States:
    """States after dt at constant v: concentrations, then all other states, then reversal potentials.

    Each starts from the states at the beginning of the step, gates with the concentrations at its end as in NEURON, so
    that the order of insertion is irrelevant.
    """
    pools = [p for p in model.mechanisms if p.mechanism.writes_concentrations]
    new = dict(states)
    for placed in pools:
        new = _advanced(model, placed, states, new, v, dt)
    with_concentrations = new
    for placed in model.mechanisms:
        if placed not in pools:
            new = _advanced(model, placed, with_concentrations, new, v, dt)
    return reversals(model, new, v)


def _advanced(model: Model, placed: Placed, old: States, new: States, v: CompLanes, dt: jax.Array) -> States:
    seen, parameters = states_of(model, placed, old), parameters_of(model, placed)
    return merge(model, placed, new, placed.mechanism.update_states(seen, dt, placed.rows.take(v), parameters))


def reversals(model: Model, states: States, v: CompLanes) -> States:
    """`states` with the reversal potentials that follow from its concentrations."""
    new = dict(states)
    for placed in model.mechanisms:
        seen = states_of(model, placed, states)
        change = placed.mechanism.update_reversals(seen, placed.rows.take(v), parameters_of(model, placed))
        new = merge(model, placed, new, change)
    return new


def linearized_current(model: Model, states: States, v: CompLanes) -> Linearized:
    """Sum of all membrane currents at v, with its derivative in v by forward differentiation."""
    slope, offset = jnp.zeros_like(v), jnp.zeros_like(v)
    currents: dict[str, CompLanes] = {}
    for placed in model.mechanisms:
        mechanism, rows = placed.mechanism, placed.rows
        if mechanism.current_name is None:
            continue
        seen, parameters, v_here = states_of(model, placed, states), parameters_of(model, placed), rows.take(v)

        def current(v: jax.Array, m: Placed = placed, s: Named = seen, p: Named = parameters) -> jax.Array:
            return m.mechanism.compute_current(s, v, p)

        i, di_dv = jax.jvp(current, (v_here,), (jnp.ones_like(v_here),))
        slope = slope + rows.spread(di_dv, model.n_comp)
        offset = offset + rows.spread(di_dv * v_here - i, model.n_comp)
        here = rows.spread(i, model.n_comp)
        currents[mechanism.current_name] = (
            currents[mechanism.current_name] + here if mechanism.current_name in currents else here
        )
    return Linearized(slope, offset, currents)
