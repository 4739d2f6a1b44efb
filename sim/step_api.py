"""The simulation by hand: `init_fn` and `step_fn`, on states in the user's order. Thin readers of the lowered model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .bind import Injection, bind_values
from .cable import cable_of
from .description.module import Module
from .description.training import DataValue
from .initialize import carried_currents, initial_states
from .integrate import bindings_of
from .lower import lower
from .lowered import Model
from .membrane import current_names, linearized_current
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
    carried = carried_currents(lowered.model, module.base._recordings)
    stimulated = module.base.external_inds

    def init_fn(
        params: ParameterTree | None = None,
        all_states: Mapping[str, Any] | None = None,
        param_state: Sequence[DataValue] | None = None,
        delta_t: float = 0.025,
    ) -> tuple[StateDict, Model]:
        bindings, values = bindings_of(module, lowered, params or [], param_state or ())
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
        start = from_user(lowered, dict(states), carried)
        injection = Injection.make(lowered.index, rows)
        new = _one_step(model, scheme, injection, start, now, jnp.asarray(delta_t, model.dtype), jnp.asarray(1))
        return to_user(lowered, new)

    return init_fn, step_fn


def _plain_step(
    model: Model, solver: Solver, injection: Injection, states: StateDict, now: jax.Array, dt: jax.Array
) -> StateDict:
    return step(model, cable_of(model), solver, states, injection.spread(now, model.n_comp), dt)


@jax.custom_jvp
def _step_in_loop(
    model: Model,
    solver: Solver,
    injection: Injection,
    states: StateDict,
    now: jax.Array,
    dt: jax.Array,
    n_steps: jax.Array,
) -> StateDict:
    """`_plain_step` as the body of a loop over n_steps = 1 step, a number the compiler does not know.

    As in `integrate`, the compiler can then neither dissolve the loop nor move the stimulus out of it, and makes the
    same code of the step as there, down to the fused multiplications and additions.
    """
    cable, stimulus = cable_of(model), now[None]

    def body(loop: tuple[jax.Array, StateDict]) -> tuple[jax.Array, StateDict]:
        k, states = loop
        injected = injection.spread(jax.lax.dynamic_index_in_dim(stimulus, k, 0, keepdims=False), model.n_comp)
        return k + 1, step(model, cable, solver, states, injected, dt)

    return jax.lax.while_loop(lambda loop: loop[0] < n_steps, body, (jnp.zeros_like(n_steps), states))[1]


@_step_in_loop.defjvp
def _step_in_loop_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[StateDict, StateDict]:
    """Loops of unknown length have no reverse mode; the plain step has."""
    return _step_in_loop(*primals), jax.jvp(_plain_step, primals[:-1], tangents[:-1])[1]


@jax.jit
def _one_step(
    model: Model,
    solver: Solver,
    injection: Injection,
    states: StateDict,
    now: jax.Array,
    dt: jax.Array,
    n_steps: jax.Array,
) -> StateDict:
    new = _step_in_loop(model, solver, injection, states, now, dt, n_steps)
    currents = linearized_current(model, new, states["v"][: model.n_comp]).currents
    return {**currents, **new}
