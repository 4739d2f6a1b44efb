"""Backward Euler, first order, L-stable."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ..cable import Cable
from ..membrane import Linearized
from ..tree_solve import Tree, solve
from ..types import CompLanes, NodeLanes
from .base import Solver


class BackwardEuler(Solver):
    """(C/dt + A slope + sum g) v' - sum g v'_n = C/dt v + A offset + I at every node (Hines 1984)."""

    def advance_voltage(
        self, tree: Tree, cable: Cable, v: NodeLanes, membrane: Linearized, injected: CompLanes, dt: jax.Array
    ) -> NodeLanes:
        """v after dt [mV]."""
        points = ((0, v.shape[0] - membrane.slope.shape[0]), (0, 0))
        capacitive = cable.capacitance / dt
        diagonal = capacitive + cable.coupling_sum + jnp.pad(cable.to_nA * membrane.slope, points)
        rhs = capacitive * v + jnp.pad(cable.to_nA * membrane.offset + injected, points)
        return solve(tree, diagonal, cable.coupling, rhs)
