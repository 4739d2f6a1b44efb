"""One time step of a lowered model. The same function runs under scan on any device, and by hand (step_api.py)."""

from __future__ import annotations

import jax

from .cable import Cable
from .lowered import Model
from .membrane import States, advance, linearized_current
from .solvers import Solver
from .types import CompLanes


def step(model: Model, cable: Cable, solver: Solver, states: States, injected: CompLanes, dt: jax.Array) -> States:
    """States after one step of dt ms under `injected` nA.

    `states` holds "v" of all nodes, the mechanisms' states and the membrane currents that something reads.
    """
    v = states["v"][: model.n_comp]
    new = advance(model, states, v, dt)
    membrane = linearized_current(model, new, v)
    v_next = solver.advance_voltage(model.tree, cable, states["v"], membrane, injected, dt)
    currents = {name: i for name, i in membrane.currents.items() if name in states}
    return {**new, **currents, "v": v_next}
