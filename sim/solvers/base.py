"""What an integrator is."""

from __future__ import annotations

from abc import abstractmethod

import equinox as eqx
import jax

from ..cable import Cable
from ..membrane import Linearized
from ..tree_solve import Tree
from ..types import CompLanes, NodeLanes


class Solver(eqx.Module):
    """Advances the voltage of all nodes by one step, membrane currents linearised around the present v."""

    @abstractmethod
    def advance_voltage(
        self, tree: Tree, cable: Cable, v: NodeLanes, membrane: Linearized, injected: CompLanes, dt: jax.Array
    ) -> NodeLanes:
        """v after dt [mV]. `injected` is the stimulus in nA."""
