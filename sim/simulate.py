"""From bound model to recordings: one compiled function, shared by `integrate` and the batched simulator."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .bind import Binding, Injection, Reading, bind_values
from .cable import cable_of
from .initialize import initial_states
from .lowered import Model
from .membrane import States
from .solvers import Solver
from .step import step
from .time_loop import choose_levels, time_loop
from .types import Recording, Stimulus


class Plan(eqx.Module):
    """What a run does, values aside."""

    model: Model
    bindings: tuple[Binding, ...]
    injection: Injection
    reading: Reading
    solver: Solver
    carried: tuple[str, ...] = eqx.field(static=True)


def simulate(
    plan: Plan,
    values: list[jax.Array],
    stimulus: Stimulus,
    dt: jax.Array,
    *,
    lanes: int,
    v_init: jax.Array | None = None,
    steady: bool = False,
    start: States | None = None,
    levels: tuple[int, ...] | None = None,
    memory_budget: int,
) -> tuple[Recording, States]:
    """Recordings [time + 1, rec, lane], column 0 the initial state, and the last states.

    Args:
        values: of each binding, [value] or [value, lane].
        stimulus: nA for each step, site and lane; its length is the number of steps.
        start: lowered states to continue from instead of the initial ones.
        levels: block lengths of the time loop; None: chosen to fit `memory_budget` bytes.
    """
    model = bind_values(plan.model, plan.bindings, values)
    cable = cable_of(model)
    states = initial_states(model, lanes, plan.carried, dt, v_init, steady) if start is None else start
    if levels is None:
        # A step saves its states and the solution of its tree.
        levels = choose_levels(stimulus.shape[0], bytes_of(states) + bytes_of(states["v"]), memory_budget)

    def body(states: States, injected: jax.Array) -> tuple[States, jax.Array]:
        currents = plan.injection.spread(jnp.broadcast_to(injected, (injected.shape[0], lanes)), model.n_comp)
        new = step(model, cable, plan.solver, states, currents, dt)
        return new, plan.reading.read(new)

    first = plan.reading.read(states)
    last, recorded = time_loop(body, states, stimulus.astype(model.dtype), levels)
    return jnp.concatenate([first[None], recorded]), last


def bytes_of(tree: Any) -> int:
    """Bytes of all arrays of a tree."""
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))
