"""The passive cable between nodes: capacitances and couplings from geometry. Constant over a run.

    C = c_m area [nF],   g = 1 / (R_a load of one half + R_a load of the other) [uS]

with the loads of half compartments (the integral of dx/(pi r^2), in 1/um).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from . import units
from .lowered import Model
from .types import CompLanes, NodeLanes


class Cable(eqx.Module):
    """What the voltage equation needs of the geometry.

    Attributes:
        capacitance: nF, zero at branch points.
        coupling: uS, of each node to its parent (zero at the root).
        coupling_sum: uS, of all couplings of a node.
        to_nA: factor from mA/cm^2 to nA for each compartment (and from S/cm^2 to uS).
    """

    capacitance: NodeLanes
    coupling: NodeLanes
    coupling_sum: NodeLanes
    to_nA: CompLanes


def cable_of(model: Model) -> Cable:
    """The cable of a model with its present geometry."""
    c = model.cable
    resistivity = c["axial_resistivity"]
    loads = jnp.concatenate(
        jnp.broadcast_arrays(resistivity * c["resistive_load_in"], resistivity * c["resistive_load_out"])
    )
    loads = jnp.concatenate([loads, jnp.zeros_like(loads[:1])])
    between = loads[model.half_of_child] + loads[model.half_of_parent]
    is_root = jnp.arange(between.shape[0])[:, None] == model.tree.root
    coupling = jnp.where(is_root, 0.0, units.AXIAL_CONDUCTANCE / jnp.where(is_root, 1.0, between))
    into_parent = jnp.zeros_like(coupling).at[model.tree.parent].add(coupling[model.tree.child])
    capacitance = units.CAPACITANCE_TIMES_AREA * c["capacitance"] * c["area"]
    n_points = between.shape[0] - model.n_comp
    return Cable(
        capacitance=jnp.pad(capacitance, ((0, n_points), (0, 0))),
        coupling=coupling,
        coupling_sum=coupling + into_parent,
        to_nA=units.DENSITY_TIMES_AREA * c["area"],
    )
