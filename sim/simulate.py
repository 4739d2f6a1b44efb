"""From bound model to recordings: one compiled function, shared by `integrate` and the batched simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from .bind import Binding, Reading, bind_values
from .cable import VOLTAGE
from .dynamics import Dynamics
from .initialize import initial_states
from .inputs import CURRENT, Inputs, Now
from .linear import LinearSolver
from .lowered import Model
from .membrane import States
from .reverse_loop import recorded as recorded_loop
from .solvers import Solver
from .time_loop import choose_levels, computed_again, time_loop
from .types import Recording


class Plan(eqx.Module):
    """What a run does, values aside."""

    model: Model
    bindings: tuple[Binding, ...]
    inputs: Inputs
    reading: Reading
    solver: Solver
    linear_solver: LinearSolver
    carried: tuple[str, ...] = eqx.field(static=True)


def begin(
    plan: Plan,
    values: list[jax.Array],
    dt: jax.Array,
    *,
    lanes: int,
    v_init: jax.Array | None = None,
    steady: bool = False,
) -> tuple[Any, States]:
    """The constants of the steps (equations with their values, what the scheme prepares, dt), and the first states."""
    model = bind_values(plan.model, plan.bindings, values)
    dynamics = Dynamics.of(model, plan.inputs, plan.linear_solver)
    states = initial_states(model, lanes, plan.carried, dt, v_init, steady)
    return (dynamics, plan.solver.prepare(dynamics, dt), dt), states


def step_of(plan: Plan) -> Callable[[Any, States, Now, States | None], tuple[States, jax.Array]]:
    """(constants, states, inputs of the step, the states it led to or None) -> (states, recordings [rec, lane])."""

    def step(constants: Any, states: States, now: Now, after: States | None) -> tuple[States, jax.Array]:
        dynamics, prepared, dt = constants
        new = plan.solver.step(dynamics, prepared, states, now, dt, after)
        return new, plan.reading.read(new)

    return step


def simulate(
    plan: Plan,
    values: list[jax.Array],
    inputs: Now,
    dt: jax.Array,
    *,
    lanes: int,
    v_init: jax.Array | None = None,
    steady: bool = False,
    start: States | None = None,
    levels: tuple[int, ...] | None = None,
    memory_budget: int,
) -> tuple[Recording, States]:
    """Recordings [rec, time + 1, lane], column 0 the initial state, and the last states.

    Args:
        values: of each binding, [value] or [value, lane].
        inputs: of each kind, [time, site, #lane]; the length of the currents is the number of steps.
        start: lowered states to continue from instead of the initial ones.
        levels: block lengths of the time loop; None: chosen to fit `memory_budget` bytes.
    """
    inputs = cast(inputs, plan.model.dtype)
    constants, states = begin(plan, values, dt, lanes=lanes, v_init=v_init, steady=steady)
    states = states if start is None else start
    if levels is None:
        # A step saves its states and the solutions of its linear systems.
        solutions = plan.solver.solves + plan.solver.ion_solves * len(plan.model.diffusing)
        solved = solutions * bytes_of(states[VOLTAGE])
        levels = choose_levels(inputs[CURRENT].shape[0], bytes_of(states) + solved, memory_budget)
    step = step_of(plan)
    first = plan.reading.read(states)
    last, recorded = time_loop(lambda states, now: step(constants, states, now, None), states, inputs, levels)
    return jnp.concatenate([first[:, None], jnp.swapaxes(recorded, 0, 1)], axis=1), last


def simulate_into(record: Recording, plan: Plan, constants: Any, states: States, inputs: Now) -> Recording:
    """The recordings of `simulate` from what `begin` gave, written into `record` [rec, time + 1, lane].

    No other memory. It can be differentiated, but not in a memory budget.
    """
    record = lax.dynamic_update_index_in_dim(record, plan.reading.read(states), 0, 1)
    _, filled = recorded_loop(
        computed_again(step_of(plan)), constants, states, cast(inputs, plan.model.dtype), record, 1
    )
    assert filled is not None
    return filled


def cast(inputs: Now, dtype: jnp.dtype) -> Now:
    """Inputs in the model's floating-point type."""
    return {key: x.astype(dtype) for key, x in inputs.items()}


def bytes_of(tree: Any) -> int:
    """Bytes of all arrays of a tree."""
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))
