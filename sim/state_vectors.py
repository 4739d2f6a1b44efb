"""States as one vector: what the dynamics of a model needs, without what can be told from it.

Owns the choice of the dynamic states among those of the step API (step_api.py), their order in a vector, and the way
back. Makes no step.

Dynamic are the voltages of compartments, the states of mechanisms where these are, those of synapses, and the membrane
currents that a mechanism reads: it sees those of the step before, which the present states do not tell. Observables are
all other currents, the voltages of branch points, and the zeros where a mechanism is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .cable import voltage_cable
from .description.module import Module
from .dynamics import currents_at
from .lower import lower
from .lowered import Model
from .probe import carried_currents
from .user_states import from_user, to_user

StateDict = dict[str, jax.Array]
StateVector = Float[Array, " state"]


def build_dynamic_state_utils(
    module: Module,
) -> tuple[
    Callable[[Mapping[str, Any]], StateDict],
    Callable[..., StateDict],
    Callable[[Mapping[str, Any]], StateVector],
    Callable[[StateVector], StateDict],
]:
    """Functions between the states of `build_init_and_step_fn` and a vector of the dynamic ones.

        init_fn, step_fn = build_init_and_step_fn(cell)
        remove_observables, add_observables, flatten, unflatten = build_dynamic_state_utils(cell)

        def step(x, all_params, now):
            states = add_observables(unflatten(x), all_params, 0.025)
            return flatten(remove_observables(step_fn(states, all_params, now, delta_t=0.025)))

    A step through the vector equals one without it to the last bit, and can be differentiated (`jax.jacfwd`). Make the
    functions anew after the module was edited.

    Returns:
        `remove_observables(all_states)` -> dynamic states by name, one entry for each compartment (or synapse) where
        the state is, in the user's order;
        `add_observables(dynamic, all_params, delta_t=0.025)` -> all states, with the currents at the present states and
        voltages, and at branch points the voltage at which no current stays there. The time step changes none of this;
        it is taken because scripts pass it;
        `flatten(dynamic)` -> vector: "v", then the states of mechanisms, then the currents that are read;
        `unflatten(vector)` -> dynamic states by name.

    Raises:
        ValueError: from the functions, when a state is missing or the vector has another length.
    """
    lowered = lower(module)
    read = carried_currents(lowered.model)
    rows = {key: _rows(module.base, key) for key in (*lowered.model.states, *read)}
    sizes = [len(lowered.model.states[key]) if where is None else len(where) for key, where in rows.items()]
    ends = np.cumsum([0, *sizes])

    def remove_observables(all_states: Mapping[str, Any]) -> StateDict:
        _require(all_states, rows, "all_states")
        found = {key: jnp.asarray(all_states[key]) for key in rows}
        return {key: x if (where := rows[key]) is None else x[where] for key, x in found.items()}

    def add_observables(dynamic: Mapping[str, Any], all_params: Model, delta_t: float = 0.025) -> StateDict:
        _require(dynamic, rows, "the dynamic states")
        n = len(lowered.index.user_of_comp)
        full = {}
        for key, where in rows.items():
            x = jnp.asarray(dynamic[key], all_params.dtype)
            full[key] = x if where is None else jnp.zeros(n, x.dtype).at[where].set(x)
        states = from_user(lowered, full, read)
        v = states["v"]
        comps = v[: all_params.n_comp]
        points = voltage_cable(all_params).with_points(comps)
        states = {**currents_at(all_params, states, comps), **states, "v": points}
        return to_user(lowered, states)

    def flatten(dynamic: Mapping[str, Any]) -> StateVector:
        _require(dynamic, rows, "the dynamic states")
        return jnp.concatenate([jnp.asarray(dynamic[key]) for key in rows])

    def unflatten(vector: StateVector) -> StateDict:
        if jnp.shape(vector) != (ends[-1],):
            raise ValueError(f"unflatten takes a vector of {ends[-1]} states, not shape {jnp.shape(vector)}")
        return {key: vector[first:last] for key, first, last in zip(rows, ends[:-1], ends[1:], strict=True)}

    return remove_observables, add_observables, flatten, unflatten


def _rows(base: Module, key: str) -> np.ndarray | None:
    """The compartments, in the user's order, where a state or current is; None for what synapses have."""
    table = base._nodes
    carriers = [name for name, mechanism in base._mechanisms.items() if mechanism.current_name == key]
    if carriers:
        return np.flatnonzero(table[carriers].any(axis=1).to_numpy())
    if key not in table.columns:
        return None
    there = table[key].notna().to_numpy()
    # A concentration that diffuses also reaches compartments without a mechanism that knows it.
    if f"axial_diffusion_{key}" in table.columns:
        there = there | (table[f"axial_diffusion_{key}"].to_numpy(dtype=float) > 0.0)
    return np.flatnonzero(there)


def _require(states: Mapping[str, Any], keys: Mapping[str, Any], what: str) -> None:
    missing = [key for key in keys if key not in states]
    if missing:
        raise ValueError(
            f"{what}: {missing[0]!r} is missing; pass what init_fn, step_fn or remove_observables returned"
        )
