"""Lowered states <-> states in the user's order, as the step API and continuation show them.

In the user's order every array has one entry a compartment (0 where a mechanism is absent); "v" has the branch points
behind the compartments. States and currents of synapses have one entry a synapse of the type.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .lowered import Lowered
from .membrane import States


def to_user(lowered: Lowered, states: States) -> dict[str, jax.Array]:
    """One-lane lowered states as flat arrays in the user's order."""
    index = lowered.index
    found = {}
    for key, values in states.items():
        flat = values[:, 0]
        if key in index.of_synapses:
            found[key] = flat
            continue
        n = len(index.user_of_comp)
        if key in index.rows_of:
            flat = jnp.zeros(n, flat.dtype).at[index.rows_of[key]].set(flat)
        comps = flat[:n][index.comp_of_user]
        found[key] = jnp.concatenate([comps, flat[n:]]) if key == "v" else comps
    return found


def from_user(lowered: Lowered, states: dict[str, Any], carried: tuple[str, ...]) -> States:
    """The inverse of `to_user`, restricted to what a run carries.

    Raises ValueError when a state of the model is missing.
    """
    index, model = lowered.index, lowered.model
    wanted = [*model.states, *carried]
    missing = [key for key in wanted if key not in states]
    if missing:
        raise ValueError(f"all_states lacks {missing[0]!r}: pass what integrate(..., return_states=True) returned")
    found = {}
    for key in wanted:
        flat = jnp.asarray(states[key], model.dtype)
        if key in index.of_synapses:
            found[key] = flat[:, None]
            continue
        n = len(index.user_of_comp)
        comps = flat[:n][index.user_of_comp]
        if key in index.rows_of:
            comps = comps[index.rows_of[key]]
        found[key] = (jnp.concatenate([comps, flat[n:]]) if key == "v" else comps)[:, None]
    return found
