"""`integrate`: one simulation of a module, differentiable in everything that is bound to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from .description.module import Module
from .description.signals import DataInputs
from .description.training import DataValue
from .external import by_step, collect, fitted, steps_of
from .inputs import Now
from .lower import lower
from .plan import plan_of
from .simulate import Plan, simulate
from .step_api import add_clamps, add_stimuli, build_init_and_step_fn
from .time_loop import MEMORY_BUDGET
from .types import ParameterTree
from .user_states import from_user, to_user


def integrate(
    module: Module,
    params: ParameterTree | None = None,
    *,
    param_state: Sequence[DataValue] | None = None,
    data_stimuli: DataInputs | None = None,
    data_clamps: DataInputs | None = None,
    t_max: float | None = None,
    delta_t: float = 0.025,
    solver: str = "bwd_euler",
    voltage_solver: str = "auto",
    checkpoint_lengths: Sequence[int] | None = None,
    all_states: dict[str, jax.Array] | None = None,
    return_states: bool = False,
    memory_budget: int = MEMORY_BUDGET,
) -> Any:
    """Simulate a module and return its recordings.

    Args:
        params: values of the trainables, a tree as `get_parameters()` gives.
        param_state: values bound by `data_set`.
        data_stimuli: stimuli bound by `data_stimulate`; they add to the module's own.
        data_clamps: clamps bound by `data_clamp`.
        t_max: duration in ms; n_steps = round(t_max/delta_t). Default: the length of the longest stimulus, without one
            that of the shortest clamp.
        delta_t: time step in ms.
        solver: the integrator, see `rallax.sim.solvers`: "bwd_euler", "crank_nicolson", "fwd_euler", "exp_euler",
            "trbdf2" or "extrapolated".
        voltage_solver: how the linear system of an implicit step is solved, see `rallax.sim.linear`.
        checkpoint_lengths: lengths of the nested loops for the gradient, their product at least n_steps; default chosen
            to keep saved states within `memory_budget` bytes.
        all_states: states to continue from, as `return_states=True` gave them.
        return_states: also return the last states.

    Returns:
        Recordings (n_recordings, n_steps + 1), column 0 the initial state; with `return_states` a pair of these and
        the states in the user's order.

    Raises:
        ValueError: nothing is recorded, no duration follows, or an argument does not fit the module.
    """
    lowered = lower(module)
    sites, inputs = collect(module, data_stimuli, data_clamps)
    n_steps = steps_of(t_max, delta_t, inputs)
    plan, values = plan_of(module, lowered, params or [], param_state or (), sites, solver, voltage_solver)
    levels = None
    if checkpoint_lengths is not None:
        levels = tuple(int(n) for n in checkpoint_lengths)
        if not levels or min(levels) < 1 or math.prod(levels) < n_steps:
            raise ValueError(
                f"checkpoint_lengths {list(levels)} multiply to {math.prod(levels)}, below the run's {n_steps} steps"
            )
    start = None if all_states is None else from_user(lowered, all_states, plan.carried)
    recorded, last = _run(
        plan,
        values,
        by_step(fitted(inputs, n_steps)),
        jnp.asarray(delta_t, lowered.model.dtype),
        start,
        levels=levels,
        memory_budget=memory_budget,
    )
    v = recorded[:, :, 0]
    return (v, to_user(lowered, last)) if return_states else v


@partial(jax.jit, static_argnames=("levels", "memory_budget"))
def _run(
    plan: Plan,
    values: list[jax.Array],
    inputs: Now,
    dt: jax.Array,
    start: dict[str, jax.Array] | None,
    levels: tuple[int, ...] | None,
    memory_budget: int,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    return simulate(plan, values, inputs, dt, lanes=1, start=start, levels=levels, memory_budget=memory_budget)


#: The step API is imported from here by scripts written for Jaxley.
__all__ = ["add_clamps", "add_stimuli", "build_init_and_step_fn", "integrate"]
