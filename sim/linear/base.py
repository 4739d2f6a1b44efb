"""What a linear solver is. Its derivative is not its business: solver.py has one for all."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx

from ..types import NodeLanes
from .mesh import BridgeLanes
from .structure import Structure


class LinearSolver(eqx.Module):
    """Solves S x = rhs, lane by lane, for the system of structure.py. Without state and without numbers of its own.

    Operands: `diagonal` and `coupling` [node, #lane], `bridge_g` [bridge, #lane] (None without bridges), `rhs`
    [node, lane] with all lanes that there are.
    """

    def require_solvable(self, structure: Structure) -> None:
        """Raise ValueError if systems of this structure are none that it solves."""
        return

    @abstractmethod
    def factor(
        self, structure: Structure, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
    ) -> Any:
        """All of the work that does not depend on the right-hand side, for `apply`."""

    @abstractmethod
    def apply(
        self, structure: Structure, factors: Any, coupling: NodeLanes, bridge_g: BridgeLanes | None, rhs: NodeLanes
    ) -> NodeLanes:
        """x by these factors."""

    def solve_once(
        self,
        structure: Structure,
        diagonal: NodeLanes,
        coupling: NodeLanes,
        bridge_g: BridgeLanes | None,
        rhs: NodeLanes,
    ) -> NodeLanes:
        """x, for a matrix that is not needed again: factor and apply, at less cost where there is a way."""
        return self.apply(structure, self.factor(structure, diagonal, coupling, bridge_g), coupling, bridge_g, rhs)
