"""Extrapolated symmetric splitting, fourth order."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from ..cable import VOLTAGE
from ..dynamics import Dynamics, Flux
from ..inputs import Now
from ..membrane import States
from ..types import NodeLanes
from .base import Solver
from .stage import Stage, with_fields
from .trbdf2 import AT_GAMMA, AT_START, GAMMA


class Extrapolated(Solver):
    """(4 S(dt/2)^2 - S(dt)) / 3 with S the symmetric splitting (Strang 1968, SIAM J. Numer. Anal. 5:506).

    S: half a step of all states at the present voltage, a step of TR-BDF2 of the voltage with these held, half a step
    of all states at the new voltage. Its error has even powers of dt but for a small part of TR-BDF2, so the
    combination removes dt^2. TR-BDF2 is not symmetric and leaves a little of third order: over halvings of dt from 0.1
    to 0.0125 ms the order on a spiking branched HH cell is 3.8, 3.9 and 3.5 (tests/sim/test_orders.py). Concentrations
    that currents change and that change currents (through a reversal potential) go by a predictor and a corrector,
    which are not symmetric: with them the order is three.
    """

    moves_states_once: ClassVar[bool] = False
    solves: ClassVar[int] = 6
    ion_solves: ClassVar[int] = 24

    def step(self, dynamics: Dynamics, prepared: Any, states: States, now: Now, dt: jax.Array) -> States:
        """States after dt [ms]."""
        fine = symmetric(dynamics, symmetric(dynamics, states, now, 0.5 * dt), now, 0.5 * dt)
        coarse = symmetric(dynamics, states, now, dt)
        new = {key: (4.0 * fine[key] - coarse[key]) / 3.0 for key in states}
        # What is clamped was equal in both, but the combination rounds.
        return dynamics.clamp_fields(dynamics.clamp_states(new, now), now)


def symmetric(dynamics: Dynamics, states: States, now: Now, dt: jax.Array) -> States:
    """S(dt): concentrations, gates, the voltage, gates, concentrations."""
    half = dynamics.advance_gates(advance_ions(dynamics, states, now, 0.5 * dt), 0.5 * dt)
    half, fluxes = dynamics.fluxes(half, now)
    v = spread(dynamics, VOLTAGE, half[VOLTAGE], fluxes[VOLTAGE], dt)
    end = dynamics.advance_gates({**half, VOLTAGE: v}, 0.5 * dt)
    end = dynamics.with_currents(advance_ions(dynamics, end, now, 0.5 * dt), now)
    return dynamics.clamp_states(dynamics.clamp_fields(end, now), now)


def advance_ions(dynamics: Dynamics, states: States, now: Now, dt: jax.Array) -> States:
    """All concentrations after dt at the present voltage and gates, by the mean of the currents at start and end."""
    start = dynamics.with_currents(states, now)
    end = dynamics.with_currents(_by_held_currents(dynamics, start, dt), now)
    return _by_held_currents(dynamics, dynamics.with_mean_currents(start, start, end), dt)


def _by_held_currents(dynamics: Dynamics, states: States, dt: jax.Array) -> States:
    """All concentrations after dt by the currents among the states."""
    fluxes, _ = dynamics.ion_fluxes(states)
    diffused = {ion: spread(dynamics, ion, states[ion], flux, dt) for ion, flux in fluxes.items()}
    return dynamics.with_reversals(with_fields(dynamics.advance_concentrations(states, dt), diffused))


def spread(dynamics: Dynamics, field: str, x: jax.Array, flux: Flux, dt: jax.Array) -> NodeLanes:
    """One quantity after dt by TR-BDF2, all else held."""
    x = dynamics.cables[field].with_points(x[: dynamics.model.n_comp])
    stage = Stage.of(dynamics, field, flux, (0.5 * GAMMA) * dt)
    source = stage.rest(flux, x)
    at_gamma = 2.0 * stage.solve(stage.capacitive * x + source) - x
    return stage.solve(stage.capacitive * (AT_GAMMA * at_gamma - AT_START * x) + source)
