"""The simulation by hand: `init_fn` and `step_fn`, on states in the user's order. Thin readers of the lowered model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .bind import Binding, Injection, bind_values
from .cable import cable_of
from .description.module import Module
from .description.training import DataValue
from .initialize import initial_states
from .lower import lower
from .lowered import Model
from .membrane import current_names
from .solvers import Solver, by_name
from .step import step
from .types import ParameterTree
from .user_states import from_user, to_user

StateDict = dict[str, jax.Array]


def build_init_and_step_fn(
    module: Module, solver: str = "bwd_euler"
) -> tuple[Callable[..., tuple[StateDict, Model]], Callable[..., StateDict]]:
    """Functions that start a simulation and make one step of it.

    Returns:
        `init_fn(params, all_states=None, param_state=None, delta_t=0.025) -> (states, all_params)` and
        `step_fn(states, all_params, externals, external_inds=..., delta_t=0.025) -> states`. `states[name][i]` is the
        value of compartment i; `externals["i"]` holds one current in nA for each of `external_inds["i"]`, by default
        the module's stimulated compartments. `step_fn` is jitted and gives `integrate`'s values to the last bit.
    """
    lowered = lower(module)
    scheme = by_name(solver)
    currents = current_names(lowered.model)
    stimulated = module.base.external_inds

    def init_fn(
        params: ParameterTree | None = None,
        all_states: Mapping[str, Any] | None = None,
        param_state: Sequence[DataValue] | None = None,
        delta_t: float = 0.025,
    ) -> tuple[StateDict, Model]:
        trainables = module.base._trainables
        bindings = [Binding.make(lowered.index, t.key, t.rows, t.group) for t in trainables[: len(params or [])]]
        values = [jnp.asarray(entry[t.key]) for t, entry in zip(trainables, params or [], strict=False)]
        for data in param_state or ():
            value = jnp.atleast_1d(jnp.asarray(data.value))
            source = np.zeros(len(data.rows), int) if value.shape[0] == 1 else np.arange(len(data.rows))
            bindings.append(Binding.make(lowered.index, data.key, data.rows, source))
            values.append(value)
        model = bind_values(lowered.model, bindings, values)
        if all_states is not None:
            return dict(all_states), model
        dt = jnp.asarray(delta_t, model.dtype)
        return to_user(lowered, initial_states(model, 1, currents, dt, None, steady=False)), model

    def step_fn(
        states: Mapping[str, Any],
        all_params: Model,
        externals: Mapping[str, Any],
        external_inds: Mapping[str, Any] | None = None,
        delta_t: float = 0.025,
    ) -> StateDict:
        inds = stimulated if external_inds is None else external_inds
        model = all_params
        rows = np.asarray(inds.get("i", np.zeros(0, int)))
        now = jnp.asarray(externals.get("i", np.zeros(0)), model.dtype)[:, None]
        start = from_user(lowered, dict(states), currents)
        injection = Injection.make(lowered.index, rows)
        new = _one_step(model, scheme, injection, start, now, jnp.asarray(delta_t, model.dtype))
        return to_user(lowered, new)

    return init_fn, step_fn


@partial(jax.jit)
def _one_step(
    model: Model, solver: Solver, injection: Injection, states: StateDict, now: jax.Array, dt: jax.Array
) -> StateDict:
    return step(model, cable_of(model), solver, states, injection.spread(now, model.n_comp), dt)
