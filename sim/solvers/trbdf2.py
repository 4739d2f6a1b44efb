"""TR-BDF2, second order, L-stable, with the states of mechanisms advanced inside both stages."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

import jax

from ..dynamics import Dynamics
from ..inputs import Now
from ..membrane import States
from .base import Solver
from .stage import Stage, mean, with_fields

#: Length of the first stage in steps. With it both stages have one matrix (Bank et al. 1985).
GAMMA: Final = 2.0 - math.sqrt(2.0)
#: The second stage starts from AT_GAMMA x_gamma - AT_START x.
AT_GAMMA: Final = 1.0 / (GAMMA * (2.0 - GAMMA))
AT_START: Final = (1.0 - GAMMA) ** 2 * AT_GAMMA


class TRBDF2(Solver):
    """The trapezoidal rule to gamma dt, then BDF2 to dt (Bank et al. 1985, IEEE Trans. CAD 4:436).

    With f(x, s) = source(s) - slope(s) x + sum g (x_n - x) and h = gamma dt / 2:

        C (x_gamma - x) = h (f(x, s) + f(x_gamma, s_gamma))
        C (x' - AT_GAMMA x_gamma + AT_START x) = h f(x', s')

    Gates are advanced by their exponential at the mean voltage of each stage, so s_gamma and s' need the voltage that
    they belong to. A first x_gamma comes from gates at the middle of the stage, moved at the voltage of its start; a
    first x' from going on in a straight line. The matrix C/h + slope + sum g is factored once, with the slope of the
    former; what later slopes differ from it by multiplies these first values, on the right-hand side.
    """

    moves_states_once: ClassVar[bool] = False
    takes_pools: ClassVar[bool] = False
    solves: ClassVar[int] = 3
    ion_solves: ClassVar[int] = 3

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
        h, first, second = (0.5 * GAMMA) * dt, GAMMA * dt, (1.0 - GAMMA) * dt
        cables = dynamics.cables
        x = {f: cable.with_points(states[f][: dynamics.model.n_comp]) for f, cable in cables.items()}
        start, at_start = dynamics.fluxes(states, now)
        _, at_middle = dynamics.fluxes(dynamics.advance_states(start, h), now)
        stages = {f: Stage.of(dynamics, f, at_middle[f], h) for f in cables}
        guess = {f: 2.0 * s.solve(s.capacitive * x[f] + s.rest(at_middle[f], x[f])) - x[f] for f, s in stages.items()}

        at_gamma = dynamics.advance_states(with_fields(start, mean(x, guess)), first)
        seen, flux = dynamics.fluxes(with_fields(at_gamma, guess), now)
        x_gamma = {
            f: s.solve(s.capacitive * x[f] + s.flow(at_start[f], x[f]) + s.rest(flux[f], guess[f]))
            for f, s in stages.items()
        }
        during = dynamics.with_mean_currents(with_fields(start, mean(x, x_gamma)), start, seen)
        at_gamma, _ = dynamics.fluxes(with_fields(dynamics.advance_states(during, first), x_gamma), now)

        guess = {f: x_gamma[f] + ((1.0 - GAMMA) / GAMMA) * (x_gamma[f] - x[f]) for f in cables}
        at_end = dynamics.advance_states(with_fields(at_gamma, mean(x_gamma, guess)), second)
        seen, flux = dynamics.fluxes(with_fields(at_end, guess), now)
        x_end = {
            f: s.solve(s.capacitive * (AT_GAMMA * x_gamma[f] - AT_START * x[f]) + s.rest(flux[f], guess[f]))
            for f, s in stages.items()
        }
        during = dynamics.with_mean_currents(with_fields(at_gamma, mean(x_gamma, x_end)), at_gamma, seen)
        end = with_fields(dynamics.advance_states(during, second), x_end)
        end = dynamics.with_currents(dynamics.with_reversals(end), now)
        return dynamics.clamp_states(dynamics.clamp_fields(end, now), now)
