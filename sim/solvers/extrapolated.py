"""Extrapolated symmetric splitting, fourth order."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

import jax

from ..cable import VOLTAGE
from ..dynamics import Dynamics, Flux
from ..inputs import CURRENT, Now
from ..membrane import States
from ..types import NodeLanes
from .base import Solver
from .stage import Stage, with_fields

#: Length of each stage of `spread` in steps: (6 - 2 sqrt(3)) ALPHA^2 - 6 ALPHA + 1 = 0, so that the logarithm
#: of (1 + p z + q z^2) / (1 - ALPHA z)^3 is z without z^2 and without z^4.
ALPHA: Final = (6.0 - math.sqrt(12.0 + 8.0 * math.sqrt(3.0))) / (12.0 - 4.0 * math.sqrt(3.0))
#: q / ALPHA^2, and p / ALPHA + q / ALPHA^2.
Q: Final = math.sqrt(3.0)
P: Final = (1.0 - 3.0 * ALPHA) / ALPHA + Q


class Extrapolated(Solver):
    """(4 S(dt/2)^2 - S(dt)) / 3 with S the symmetric splitting (Strang 1968, SIAM J. Numer. Anal. 5:506).

    S: half a step of all states at the present voltage, a step of the voltage with these held (`spread`), half a step
    of all states at the new voltage. The error of S has no dt^3, so the combination, which removes its dt^2, leaves
    dt^4. Concentrations that currents change and that change currents (through a reversal potential) go by a predictor
    and a corrector, which are not symmetric: with them the order is three.
    """

    moves_states_once: ClassVar[bool] = False
    solves: ClassVar[int] = 9
    ion_solves: ClassVar[int] = 36

    def step(
        self,
        dynamics: Dynamics,
        prepared: Any,
        states: States,
        now: Now,
        dt: jax.Array,
        after: States | None = None,
    ) -> States:
        """States after dt [ms]."""
        begun = _before(dynamics, states, now, 0.25 * dt)
        middle = _across(dynamics, begun, now, 0.5 * dt)
        if _is_exact(dynamics):
            # Gates at one voltage: twice a quarter of dt is half of dt, and rates are those of the first quarter.
            middle, whole = dynamics.advance_gates(middle, 0.5 * dt), dynamics.advance_gates(begun, 0.25 * dt)
        else:
            middle = _before(dynamics, _after(dynamics, middle, now, 0.25 * dt), now, 0.25 * dt)
            whole = _before(dynamics, states, now, 0.5 * dt)
        fine = _after(dynamics, _across(dynamics, middle, now, 0.5 * dt), now, 0.25 * dt)
        coarse = _after(dynamics, _across(dynamics, whole, now, dt), now, 0.5 * dt)
        new = {key: (4.0 * fine[key] - coarse[key]) / 3.0 for key in states}
        # What is clamped was equal in both, but the combination rounds.
        return dynamics.clamp_fields(dynamics.clamp_states(new, now), now)


def _is_exact(dynamics: Dynamics) -> bool:
    """Whether nothing but gates is advanced beside the voltage, and nothing is held."""
    model = dynamics.model
    return not (model.shared_states or model.diffusing or set(dynamics.inputs.kinds) - {CURRENT})


def _before(dynamics: Dynamics, states: States, now: Now, dt: jax.Array) -> States:
    """The first part of S: concentrations, then gates."""
    return dynamics.advance_gates(advance_ions(dynamics, states, now, dt), dt)


def _across(dynamics: Dynamics, states: States, now: Now, dt: jax.Array) -> States:
    """The middle of S: the voltage."""
    states, fluxes = dynamics.fluxes(states, now)
    return {**states, VOLTAGE: spread(dynamics, VOLTAGE, states[VOLTAGE], fluxes[VOLTAGE], dt)}


def _after(dynamics: Dynamics, states: States, now: Now, dt: jax.Array) -> States:
    """The last part of S: gates, then concentrations."""
    end = dynamics.with_currents(advance_ions(dynamics, dynamics.advance_gates(states, dt), now, dt), now)
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
    """One quantity after dt, all else held: three steps of backward Euler of ALPHA dt, combined.

    With x' = A x + b, z = A dt and w = 1/(1 - ALPHA z) the combination is (1 + P) w^3 - (P + Q) w^2 + Q w; it is
    exp(z + 0.0122 z^3 + O(z^5)). TR-BDF2, the usual L-stable stage, is exp(z + 0.0404 z^3 - 0.0037 z^4 + ...), and its
    z^4 would leave a third order that extrapolation does not remove. Like that it vanishes for z -> -inf; and it is
    positive for all z < 0, so that no stiff part of a cable changes its sign from step to step.
    """
    x = dynamics.cables[field].with_points(x[: dynamics.model.n_comp])
    stage = Stage.of(dynamics, field, flux, ALPHA * dt)
    # What each of the three moves: of small numbers, so that rounding is that of a step and not that of x.
    flow = stage.flow(flux, x)
    first = stage.solve(flow)
    second = stage.solve(stage.capacitive * first)
    # Solving is linear: the combination of what the three move is one solution of the combination.
    return x + stage.solve(flow + stage.capacitive * ((1.0 - Q) * first + (1.0 + P) * second))
