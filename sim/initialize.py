"""States at the start of a run: those of the table, or the steady state at v. Pure functions of the lowered model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .lowered import Model, Placed
from .membrane import Moment, States, current_names, merge, reversals
from .synaptic import steady_synapses

if TYPE_CHECKING:
    from .description.module import Module


def initial_states(
    model: Model, lanes: int, carried: tuple[str, ...], dt: jax.Array, v_init: jax.Array | None, steady: bool
) -> States:
    """The carry of the time loop at t = 0, every array with all its lanes.

    Args:
        carried: the membrane currents to carry; zero, since no step has been made.
        v_init: mV for each lane, in all compartments; None: the table's.
        steady: put every mechanism's states at their steady state at v.
    """
    states = {key: jnp.broadcast_to(x, (x.shape[0], lanes)) for key, x in model.states.items()}
    if v_init is not None:
        states["v"] = jnp.broadcast_to(v_init.astype(model.dtype), states["v"].shape)
    states.update(zero_currents(model, carried, lanes))
    if steady:
        states = steady_states(model, states, dt)
    return {**states, "v": states["v"][model.v_from]}


def steady_states(model: Model, states: States, dt: jax.Array) -> States:
    """`states` with every mechanism at rest at "v" (compartments): concentrations first, then what depends on them."""
    v = states["v"]
    without_currents = {**states, **{n: jnp.zeros_like(v) for n in current_names(model)}}

    def at_rest(states: States, placed: Placed) -> States:
        moment = Moment(model, states, v)
        seen, parameters = moment.states_of(placed), moment.parameters_of(placed)
        return merge(model, placed, states, placed.mechanism.init_state(seen, moment.v(placed), parameters, dt), seen)

    first = [p for p in model.mechanisms if p.mechanism.writes_concentrations]
    new = without_currents
    for placed in first:
        new = at_rest(new, placed)
    new = reversals(model, new, v)
    for placed in model.mechanisms:
        if placed not in first:
            new = at_rest(new, placed)
    new = steady_synapses(model, new, v, dt)
    return {key: new[key] for key in states}


def zero_currents(model: Model, names: tuple[str, ...], lanes: int) -> States:
    """Currents before the first step, on compartments, or on synapses where they are theirs."""
    edges = {f"i_{p.synapse.name}": p.n for p in model.synapses}
    return {name: jnp.zeros((edges.get(name, model.n_comp), lanes), model.dtype) for name in names}


def write_steady_states(module: Module, delta_t: float) -> None:
    """Write the steady state at the table's v into the table of a module."""
    from .lower import lower

    lowered = lower(module)
    model, index = lowered.model, lowered.index
    found = eqx.filter_jit(steady_states)(model, dict(model.states), jnp.asarray(delta_t, model.dtype))
    for key, values in found.items():
        if key == "v":
            continue
        if key in index.of_synapses:
            edges = np.flatnonzero(module.base._edges[key].notna().to_numpy())
            module.base._write(key, edges, np.asarray(values)[:, 0].astype(float))
            continue
        comps = index.rows_of.get(key)
        if comps is None:
            rows = np.flatnonzero(module.base._nodes[key].notna().to_numpy())
            lanes = np.asarray(values)[index.comp_of_user[rows], 0]
        else:
            rows, lanes = index.user_of_comp[comps], np.asarray(values)[:, 0]
        module.base._write(key, rows, lanes.astype(float))
