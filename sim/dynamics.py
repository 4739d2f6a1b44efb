"""The equations of a lowered model as an integrator sees them: what to advance, and what flows at a moment.

Owns the parts of a step, each a function of states; the order and the scheme belong to the integrator (solvers/).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from .assembly import cut
from .cable import VOLTAGE, Cable, cables_of
from .inputs import Inputs, Now, clamped_kinds
from .ions import advance_pumped, pump_rate, pumped_ions
from .linear import LinearSolver, factor, solve
from .lowered import Model
from .membrane import States, advance_channels, advance_pools, current_names, linearized_current, reversals
from .synaptic import advance_synapses, bridge_conductance, synaptic_current, synaptic_currents
from .types import CompLanes, NodeLanes

#: A part of a step: (model, states, v, dt) -> states, all of compartments.
Part = Callable[[Model, States, CompLanes, jax.Array], States]


class Flux(NamedTuple):
    """What leaves each compartment, beside what passes along the cable: slope x - source.

    uS and nA for the voltage; um^3/ms and mM um^3/ms for a concentration. `bridges`: uS of the gap junctions.
    """

    slope: CompLanes
    source: CompLanes
    bridges: jax.Array | None


class Dynamics(eqx.Module):
    """A model with bound values, its cables, its inputs and the way its linear systems are solved."""

    model: Model
    cables: dict[str, Cable]
    inputs: Inputs
    linear_solver: LinearSolver

    @classmethod
    def of(cls, model: Model, inputs: Inputs, linear_solver: LinearSolver) -> Dynamics:
        """With the cables of the model's present geometry."""
        return cls(model, cables_of(model), inputs, linear_solver)

    def of_compartments(self, states: States) -> States:
        """`states` with the voltage of compartments alone: no scheme starts from that of branch points.

        Cut once, so that derivatives come together at compartments, and the zeros of branch points are joined to their
        sum and not to each.
        """
        v, n = states[VOLTAGE], self.model.n_comp
        return states if v.shape[0] == n else {**states, VOLTAGE: cut(v, (n, v.shape[0] - n))[0]}

    def advance_states(self, states: States, dt: jax.Array, after: States | None = None) -> States:
        """Everything but what spreads along the cable, after dt at the present v: concentrations, then all else.

        `after`: the states at the end of the step that starts with this, where a reverse pass knows them.
        """
        return self.advance_gates(self.advance_concentrations(states, dt), dt, after)

    def advance_concentrations(self, states: States, dt: jax.Array) -> States:
        """Concentrations that do not diffuse after dt, by the currents among the states, and reversal potentials."""
        return self._at_compartments(states, dt, advance_pumped, advance_pools, reversals_after)

    def advance_gates(self, states: States, dt: jax.Array, after: States | None = None) -> States:
        """All other states of mechanisms, and those of synapses, after dt at the present v and concentrations.

        A point neuron may also move v (a reset): all that follows starts from there.
        """
        known = {k: x for k, x in (after or {}).items() if k not in self.inputs.kinds}
        channels = partial(advance_channels, known=known)
        return self._at_compartments(states, dt, channels, reversals_after, advance_synapses)

    def _at_compartments(self, states: States, dt: jax.Array, *parts: Part) -> States:
        """Parts of a step one after another, with "v" of compartments only."""
        nodes = states[VOLTAGE]
        v = nodes[: self.model.n_comp]
        new = {**states, VOLTAGE: v}
        for part in parts:
            new = part(self.model, new, new[VOLTAGE], dt)
        return {**new, VOLTAGE: nodes if new[VOLTAGE] is v else jnp.concatenate([new[VOLTAGE], nodes[len(v) :]])}

    def fluxes(self, states: States, now: Now) -> tuple[States, dict[str, Flux]]:
        """What flows at these states and inputs; and the states with the currents that are carried among them.

        Reversal potentials are those of the present concentrations, and pumps of ions that diffuse see the currents of
        this same moment.
        """
        model = self.model
        v = states[VOLTAGE][: model.n_comp]
        states = reversals(model, states, v)
        membrane = linearized_current(model, states, v)
        currents = dict(membrane.currents)
        to_nA = self.cables[VOLTAGE].to_flux
        slope = to_nA * membrane.slope
        source = to_nA * membrane.offset + self.inputs.injected(now, model.n_comp, v.shape[1])
        if model.synapses:
            synaptic = synaptic_current(model, states, v)
            slope, source = slope + synaptic.slope, source + synaptic.offset
            currents.update(synaptic.currents)
        ions, pumped = self.ion_fluxes({**states, **currents})
        currents.update(pumped)
        found = {VOLTAGE: Flux(slope, source, bridge_conductance(model, states)), **ions}
        return {**states, **{name: i for name, i in currents.items() if name in states}}, found

    def ion_fluxes(self, states: States) -> tuple[dict[str, Flux], dict[str, CompLanes]]:
        """What flows of each concentration that diffuses, by the currents among the states; and the pumps' rates."""
        model = self.model
        v = states[VOLTAGE][: model.n_comp]
        bridges = self.cables[VOLTAGE].structure.bridges
        # Gap junctions pass no ions.
        closed = None if bridges is None else jnp.zeros((bridges.a.shape[0], 1), v.dtype)
        found, rates = {}, {}
        for ion in model.diffusing:
            if ion in pumped_ions(model):
                volume = self.cables[ion].to_flux
                rate = pump_rate(model, ion, states, v)
                found[ion] = Flux(volume * rate.slope, volume * rate.offset, closed)
                rates.update(rate.currents)
            else:
                found[ion] = Flux(jnp.zeros_like(v), jnp.zeros_like(v), closed)
        return found, rates

    def with_currents(self, states: States, now: Now) -> States:
        """`states` with the currents among them as they are at this moment."""
        carried = any(key in states for key in all_currents(self.model))
        return self.fluxes(states, now)[0] if carried else states

    def with_mean_currents(self, states: States, a: States, b: States) -> States:
        """`states` with the means of the currents of two moments."""
        return {**states, **{key: 0.5 * (a[key] + b[key]) for key in all_currents(self.model) if key in states}}

    def with_reversals(self, states: States) -> States:
        """`states` with the reversal potentials of the concentrations that diffuse as they are now."""
        return reversals(self.model, states, states[VOLTAGE][: self.model.n_comp]) if self.model.diffusing else states

    def clamp_states(self, states: States, now: Now) -> States:
        """The clamps of states that do not spread."""
        return self.inputs.clamped(states, now, clamped_kinds(self.inputs, self.model)[0])

    def clamp_fields(self, states: States, now: Now) -> States:
        """The clamps of the voltage and of concentrations that diffuse."""
        return self.inputs.clamped(states, now, clamped_kinds(self.inputs, self.model)[1])

    def factor(self, field: str, flux: Flux, diagonal: NodeLanes) -> Any:
        """Factors of (diagonal - couplings - bridges), for several right-hand sides of `solve`."""
        cable = self.cables[field]
        return factor(self.linear_solver, cable.structure, diagonal, cable.coupling, flux.bridges)

    def solve(
        self,
        field: str,
        flux: Flux,
        diagonal: NodeLanes,
        rhs: NodeLanes,
        factors: Any = None,
        known: NodeLanes | None = None,
    ) -> NodeLanes:
        """x of (diagonal - couplings - bridges) x = rhs, where `diagonal` has all but the bridges' part."""
        cable = self.cables[field]
        return solve(self.linear_solver, cable.structure, diagonal, cable.coupling, flux.bridges, rhs, factors, known)


def all_currents(model: Model) -> tuple[str, ...]:
    """Names of the currents of mechanisms, pumps and synapses."""
    return (*current_names(model), *synaptic_currents(model))


def currents_at(model: Model, states: States, v: CompLanes) -> dict[str, jax.Array]:
    """All these currents at the present states; `v` of compartments."""
    found = {**linearized_current(model, states, v).currents, **synaptic_current(model, states, v).currents}
    for ion in pumped_ions(model):
        found.update(pump_rate(model, ion, states, v).currents)
    return found


def reversals_after(model: Model, states: States, v: CompLanes, dt: jax.Array) -> States:
    """`reversals` as a part of a step: they have no course of their own."""
    return reversals(model, states, v)
