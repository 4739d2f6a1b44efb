"""The simulation by hand: `init_fn` and `step_fn`, on states in the user's order. Thin readers of the lowered model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .bind import bind_values
from .description.module import Module
from .description.signals import DataInputs, inward
from .description.training import DataValue
from .dynamics import Dynamics, all_currents, currents_at
from .external import add
from .initialize import initial_states
from .inputs import CURRENT, Inputs, Now
from .linear import LinearSolver
from .lower import lower
from .lowered import Model
from .plan import bindings_of, schemes
from .probe import carried_currents
from .solvers import Solver
from .types import ParameterTree
from .user_states import from_user, to_user

StateDict = dict[str, jax.Array]


def build_init_and_step_fn(
    module: Module, voltage_solver: str = "auto", solver: str = "bwd_euler"
) -> tuple[Callable[..., tuple[StateDict, Model]], Callable[..., StateDict]]:
    """Functions that start a simulation and make one step of it.

    Args:
        voltage_solver, solver: as for `integrate`. What a scheme computes once a run (the matrix of "exp_euler") is
            computed in every step here, unless `customize_solver_exp_euler` was given it.

    Returns:
        `init_fn(params, all_states=None, param_state=None, delta_t=0.025) -> (states, all_params)` and
        `step_fn(states, all_params, externals, external_inds=..., delta_t=0.025) -> states`. `states[name][i]` is the
        value of compartment i, or of synapse i of its type; `externals["i"]` holds one current in nA for each of
        `external_inds["i"]`, by default the module's stimulated compartments, and `externals[state]` values that the
        state is held at. `step_fn` is jitted and gives `integrate`'s values to the last bit.
    """
    lowered = lower(module)
    scheme, linear = schemes(module, lowered, solver, voltage_solver)
    currents = all_currents(lowered.model)
    carried = carried_currents(lowered.model, module.base._recordings)
    given = module.base.external_inds

    def init_fn(
        params: ParameterTree | None = None,
        all_states: Mapping[str, Any] | None = None,
        param_state: Sequence[DataValue] | None = None,
        delta_t: float = 0.025,
    ) -> tuple[StateDict, Model]:
        bindings, values = bindings_of(module, lowered, params or [], param_state or ())
        # Refuses values that a matrix of exponential Euler which was computed ahead does not know.
        schemes(module, lowered, solver, voltage_solver, {b.key for b in bindings})
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
        model = all_params
        kinds = {CURRENT: jnp.zeros(0), **externals}
        inds = {CURRENT: np.zeros(0, int), **(given if external_inds is None else external_inds)}
        missing = [kind for kind in externals if kind not in inds]
        if missing:
            raise ValueError(f"externals has {missing[0]!r}, external_inds has not: give the compartments it goes to")
        sites = {kind: inward(module.base, kind, np.asarray(inds[kind])) for kind in kinds}
        now = {kind: jnp.asarray(values, model.dtype)[:, None] for kind, values in kinds.items()}
        start = from_user(lowered, dict(states), carried)
        inputs = Inputs.make(lowered.index, sites)
        dt = jnp.asarray(delta_t, model.dtype)
        return to_user(lowered, _one_step(model, scheme, linear, inputs, start, now, dt, jnp.asarray(1)))

    return init_fn, step_fn


def add_stimuli(
    externals: Mapping[str, Any], external_inds: Mapping[str, Any], data_stimuli: DataInputs | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`externals` and `external_inds` of a module with the stimuli of `data_stimulate` behind its own."""
    return _with_data(externals, external_inds, data_stimuli)


def add_clamps(
    externals: Mapping[str, Any], external_inds: Mapping[str, Any], data_clamps: DataInputs | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`externals` and `external_inds` of a module with the clamps of `data_clamp` behind its own."""
    return _with_data(externals, external_inds, data_clamps)


def _with_data(
    externals: Mapping[str, Any], external_inds: Mapping[str, Any], data: DataInputs | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    values = {key: jnp.asarray(x) for key, x in externals.items()}
    sites = {key: np.asarray(rows) for key, rows in external_inds.items()}
    for key, array, rows in zip(*data, strict=True) if data is not None else ():
        add(sites, values, key, jnp.asarray(array), np.asarray(rows))
    return values, sites


def _plain_step(
    model: Model,
    solver: Solver,
    linear: LinearSolver,
    inputs: Inputs,
    states: StateDict,
    now: Now,
    dt: jax.Array,
) -> StateDict:
    dynamics = Dynamics.of(model, inputs, linear)
    return solver.step(dynamics, solver.prepare(dynamics, dt), states, now, dt)


@jax.custom_jvp
def _step_in_loop(
    model: Model,
    solver: Solver,
    linear: LinearSolver,
    inputs: Inputs,
    states: StateDict,
    now: Now,
    dt: jax.Array,
    n_steps: jax.Array,
) -> StateDict:
    """`_plain_step` as the body of a loop over n_steps = 1 step, a number the compiler does not know.

    As in `integrate`, the compiler can then neither dissolve the loop nor move the stimulus out of it, and makes the
    same code of the step as there, down to the fused multiplications and additions.
    """
    dynamics = Dynamics.of(model, inputs, linear)
    prepared = solver.prepare(dynamics, dt)
    all_inputs = {kind: x[None] for kind, x in now.items()}

    def body(loop: tuple[jax.Array, StateDict]) -> tuple[jax.Array, StateDict]:
        k, states = loop
        at_k = {kind: jax.lax.dynamic_index_in_dim(x, k, 0, keepdims=False) for kind, x in all_inputs.items()}
        return k + 1, solver.step(dynamics, prepared, states, at_k, dt)

    return jax.lax.while_loop(lambda loop: loop[0] < n_steps, body, (jnp.zeros_like(n_steps), states))[1]


@_step_in_loop.defjvp
def _step_in_loop_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[StateDict, StateDict]:
    """Loops of unknown length have no reverse mode; the plain step has."""
    return _step_in_loop(*primals), jax.jvp(_plain_step, primals[:-1], tangents[:-1])[1]


@jax.jit
def _one_step(
    model: Model,
    solver: Solver,
    linear: LinearSolver,
    inputs: Inputs,
    states: StateDict,
    now: Now,
    dt: jax.Array,
    n_steps: jax.Array,
) -> StateDict:
    new = _step_in_loop(model, solver, linear, inputs, states, now, dt, n_steps)
    return {**currents_at(model, new, states["v"][: model.n_comp]), **new}
