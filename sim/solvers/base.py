"""What an integrator is, and the splitting that most schemes share.

An integrator advances all states of a model by one step. It sees the model as `Dynamics`: parts to advance, fluxes at a
moment, linear systems to solve.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax

from ..cable import Cable
from ..dynamics import Dynamics, Flux
from ..inputs import Now
from ..membrane import States
from ..types import NodeLanes


class Solver(eqx.Module):
    """A scheme for one step of all states.

    Attributes:
        moves_states_once: each state is advanced once a step, so that mechanisms that move v themselves (point neurons)
            may be in the model.
        takes_pools: a concentration that diffuses may also be moved by mechanisms themselves, not by pumps alone.
        follows_conductances: those of electrical synapses may change from step to step.
        solves: linear systems of the voltage a step; the reverse pass keeps the solution of each.
        ion_solves: linear systems of each concentration that diffuses, likewise.
    """

    moves_states_once: ClassVar[bool] = True
    takes_pools: ClassVar[bool] = True
    follows_conductances: ClassVar[bool] = True
    solves: ClassVar[int] = 1
    ion_solves: ClassVar[int] = 1

    def prepare(self, dynamics: Dynamics, dt: jax.Array) -> Any:
        """What a run computes once, before its first step; given to every `step`."""
        return None

    @abstractmethod
    def step(
        self,
        dynamics: Dynamics,
        prepared: Any,
        states: States,
        now: Now,
        dt: jax.Array,
        after: States | None = None,
    ) -> States:
        """States after dt [ms] with the inputs `now`.

        Args:
            after: these same states, where a reverse pass that computes the step again has them already: what would be
                solved for may be taken from them. They carry no derivative.
        """


class Splitting(Solver):
    """States of mechanisms and synapses first, at the present v; then what spreads along the cable (Lie splitting).

    With gates at their steady state at the start this is NEURON's staggered scheme: gates stand half a step behind v.
    """

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
        here = dynamics.of_compartments(states)
        new, fluxes = dynamics.fluxes(dynamics.advance_states(here, dt, after), now)
        for field, cable in dynamics.cables.items():
            n = states[field].shape[0]
            x = cable.at_nodes(new[field])
            known = None if after is None else solution(dynamics, field, after)
            new[field] = self.advance_field(dynamics, field, prepared, x, fluxes[field], dt, known)[:n]
        return dynamics.clamp_states(dynamics.with_reversals(dynamics.clamp_fields(new, now)), now)

    @abstractmethod
    def advance_field(
        self,
        dynamics: Dynamics,
        field: str,
        prepared: Any,
        x: NodeLanes,
        flux: Flux,
        dt: jax.Array,
        known: NodeLanes | None,
    ) -> NodeLanes:
        """x after dt: the voltage [mV], or a concentration that diffuses [mM], at all nodes. `known`: this x, if so."""


def solution(dynamics: Dynamics, field: str, after: States) -> NodeLanes | None:
    """What a step left of a quantity at all nodes; None where it left no branch points, or a clamp changed it."""
    x = after[field]
    is_whole = x.shape[0] == dynamics.cables[field].capacity.shape[0] and field not in dynamics.inputs.kinds
    return x if is_whole else None


def implicit(
    dynamics: Dynamics, field: str, x: NodeLanes, flux: Flux, dt: jax.Array, known: NodeLanes | None
) -> NodeLanes:
    """x after dt by backward Euler: (C/dt + slope + sum g) x' - sum g x'_n = C/dt x + source at every node."""
    cable: Cable = dynamics.cables[field]
    capacitive = cable.capacity / dt
    diagonal = capacitive + cable.coupling_sum + cable.at_nodes(flux.slope)
    return dynamics.solve(field, flux, diagonal, capacitive * x + cable.at_nodes(flux.source), known=known)
