"""What a quantity that spreads along the cable needs of the geometry. Constant over a run.

For the voltage v (mV), with C = c_m area in nF and couplings g = 1 / (R_a load of one half + R_a load of the other) in
uS,

    C dv/dt = -area i(v) + I + sum over neighbours of g_n (v_n - v)      [nA]

and for a concentration c (mM) that diffuses, with the volume in um^3 and g = 1 / (load / D of one half + that of the
other) in um^3/ms,

    volume dc/dt = -volume j(c) + sum over neighbours of g_n (c_n - c)   [mM um^3/ms]

with the loads of half compartments (the integral of dx/(pi r^2), in 1/um). Both are capacity * dx/dt = fluxes; nodes
where branches meet have no capacity.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from . import units
from .assembly import assemble
from .linear import Structure, from_parents, into_parents
from .lowered import Model
from .types import CompLanes, NodeLanes
from .xla import FULL_VECTOR

#: Name of the voltage among the quantities that spread.
VOLTAGE = "v"


class Cable(eqx.Module):
    """The passive part of the equation of one quantity.

    Attributes:
        structure: which nodes are joined.
        capacity: nF or um^3, zero at branch points.
        coupling: uS or um^3/ms, of each node to its parent (zero at roots).
        coupling_sum: of all couplings of a node.
        to_flux: for each compartment the factor from densities (mA/cm^2, S/cm^2) to nA and uS, or from rates (mM/ms,
            1/ms) to mM um^3/ms and um^3/ms.
    """

    structure: Structure
    capacity: NodeLanes
    coupling: NodeLanes
    coupling_sum: NodeLanes
    to_flux: CompLanes

    def at_nodes(self, x: CompLanes) -> NodeLanes:
        """Values of compartments with a zero at each branch point."""
        n = self.capacity.shape[0] - x.shape[0]
        # With few lanes loops go over nodes: a padding fused into arithmetic then asks at each, without vectors.
        if n and x.shape[1] < FULL_VECTOR:
            return assemble([x, jnp.zeros((n, x.shape[1]), x.dtype)])
        return jnp.pad(x, ((0, n), (0, 0)))

    def with_points(self, x: CompLanes) -> NodeLanes:
        """Values of compartments and, at branch points, what the neighbours make of them: no flux stays there."""
        n = x.shape[0]
        if n == self.capacity.shape[0]:
            return x
        inflow, total = self.neighbours(self.at_nodes(x))[n:], self.coupling_sum[n:]
        return assemble([x, inflow / jnp.where(total == 0.0, 1.0, total)])

    def neighbours(self, x: NodeLanes) -> NodeLanes:
        """For each node the sum of g_n x_n over its neighbours."""
        return self.coupling * from_parents(self.structure, x) + into_parents(self.structure, self.coupling * x)

    def bridge_flow(self, conductance: jax.Array, x: NodeLanes) -> NodeLanes:
        """What gap junctions of these conductances [bridge, #lane] bring to each node: the sum of g (x_other - x)."""
        bridges = self.structure.bridges
        if bridges is None:
            return jnp.zeros_like(x)
        flow = conductance * (x[bridges.b] - x[bridges.a])
        return jnp.zeros_like(x).at[bridges.a].add(flow).at[bridges.b].add(-flow)


def voltage_cable(model: Model) -> Cable:
    """The cable of the voltage with the model's present geometry."""
    c = model.cable
    return _cable(
        model,
        resistance=c["axial_resistivity"] / units.AXIAL_CONDUCTANCE,
        capacity=units.CAPACITANCE_TIMES_AREA * c["capacitance"] * c["area"],
        to_flux=units.DENSITY_TIMES_AREA * c["area"],
    )


def diffusion_cable(model: Model, ion: str) -> Cable:
    """The cable of a concentration that diffuses; nothing passes where its coefficient is 0."""
    diffusion = model.cable[f"axial_diffusion_{ion}"]
    passes = diffusion > 0.0
    resistance = 1.0 / jnp.where(passes, diffusion, 1.0)
    volume = model.cable["volume"]
    return _cable(model, resistance=resistance, capacity=volume, to_flux=volume, passes=passes)


def _cable(
    model: Model, *, resistance: CompLanes, capacity: CompLanes, to_flux: CompLanes, passes: jax.Array | None = None
) -> Cable:
    """`passes` [comp, #lane]: the compartments that anything passes through; None: all."""
    c = model.cable
    loads = _by_half(resistance * c["resistive_load_in"], resistance * c["resistive_load_out"])
    between = loads[model.half_of_child] + loads[model.half_of_parent]
    parent = model.structure.parent_of
    closed = (jnp.arange(parent.shape[0], dtype=parent.dtype) == parent)[:, None]
    if passes is not None:
        # An infinite resistance instead would make derivatives NaN.
        blocked = _by_half(~passes, ~passes)
        closed = closed | blocked[model.half_of_child] | blocked[model.half_of_parent]
    coupling = jnp.where(closed, 0.0, 1.0 / jnp.where(closed, 1.0, between))
    into_parent = jnp.zeros_like(coupling).at[parent].add(coupling)
    coupling_sum = coupling + into_parent
    capacity = jnp.pad(capacity, ((0, model.n_node - model.n_comp), (0, 0)))
    # A branch point that nothing passes through is given a capacity, so that its row is not empty: it stays at 0.
    alone = (capacity == 0.0) & (coupling_sum == 0.0)
    return Cable(model.structure, jnp.where(alone, 1.0, capacity), coupling, coupling_sum, to_flux)


def _by_half(of_first: jax.Array, of_second: jax.Array) -> jax.Array:
    """Values of first and second halves of compartments, one after another, and a zero: that of no half."""
    both = jnp.concatenate(jnp.broadcast_arrays(of_first, of_second))
    return jnp.concatenate([both, jnp.zeros_like(both[:1])])


def cables_of(model: Model) -> dict[str, Cable]:
    """The cable of each quantity that spreads: the voltage first, then the concentrations that diffuse."""
    return {VOLTAGE: voltage_cable(model), **{ion: diffusion_cable(model, ion) for ion in model.diffusing}}
