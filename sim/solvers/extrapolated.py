"""Extrapolated symmetric splitting, fourth order."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from ..dynamics import Dynamics
from ..inputs import Now
from ..membrane import States
from .base import Solver
from .stage import Stage, with_fields
from .trbdf2 import AT_GAMMA, AT_START, GAMMA


class Extrapolated(Solver):
    """(4 S(dt/2)^2 - S(dt)) / 3 with S the symmetric splitting (Strang 1968, SIAM J. Numer. Anal. 5:506).

    S: half a step of all states at the present voltage, a step of TR-BDF2 with these held, half a step of all states at
    the new voltage. Its error has even powers of dt but for a small part of TR-BDF2, so the combination removes dt^2.
    TR-BDF2 is not symmetric and leaves a little of third order: over halvings of dt from 0.1 to 0.0125 ms the order on
    a spiking branched HH cell is 3.8, 3.9 and 3.5 (tests/sim/test_orders.py).
    """

    moves_states_once: ClassVar[bool] = False
    solves: ClassVar[int] = 6

    def step(self, dynamics: Dynamics, prepared: Any, states: States, now: Now, dt: jax.Array) -> States:
        """States after dt [ms]."""
        fine = symmetric(dynamics, symmetric(dynamics, states, now, 0.5 * dt), now, 0.5 * dt)
        coarse = symmetric(dynamics, states, now, dt)
        new = {key: (4.0 * fine[key] - coarse[key]) / 3.0 for key in states}
        # What is clamped was equal in both, but the combination rounds.
        return dynamics.clamp_fields(dynamics.clamp_states(new, now), now)


def symmetric(dynamics: Dynamics, states: States, now: Now, dt: jax.Array) -> States:
    """S(dt): concentrations, gates, the cable, gates, concentrations."""
    n = dynamics.model.n_comp
    half = dynamics.advance_concentrations(dynamics.with_currents(states, now), 0.5 * dt)
    half = dynamics.advance_gates(half, 0.5 * dt)
    half, fluxes = dynamics.fluxes(half, now)
    fields = {}
    for field, cable in dynamics.cables.items():
        x = cable.with_points(half[field][:n])
        stage = Stage.of(dynamics, field, fluxes[field], (0.5 * GAMMA) * dt)
        source = stage.rest(fluxes[field], x)
        at_gamma = 2.0 * stage.solve(stage.capacitive * x + source) - x
        fields[field] = stage.solve(stage.capacitive * (AT_GAMMA * at_gamma - AT_START * x) + source)
    end = dynamics.advance_gates(with_fields(half, fields), 0.5 * dt)
    end = dynamics.advance_concentrations(dynamics.with_currents(end, now), 0.5 * dt)
    return dynamics.clamp_fields(dynamics.clamp_states(dynamics.with_currents(end, now), now), now)
