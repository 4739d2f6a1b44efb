"""Direct elimination, the default: trees from the leaves, then what gap junctions couple, then back."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from ..types import NodeLanes
from . import mesh as meshes
from .base import LinearSolver
from .forest import reduce_both, reduce_matrix, reduce_rhs, solve_roots, substitute
from .mesh import BridgeLanes, MeshFactors
from .structure import Structure


class TreeFactors(eqx.Module):
    """Inverse pivots of all nodes (of those in the mesh not read), and the factors of the mesh."""

    inverse: NodeLanes
    mesh: MeshFactors | None


class TreeSolver(LinearSolver):
    """Elimination in the order of the structure; linear cost where nothing but trees is coupled (Hines 1984)."""

    def factor(
        self, structure: Structure, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
    ) -> TreeFactors:
        """Inverse pivots."""
        d = jnp.broadcast_to(diagonal, jnp.broadcast_shapes(diagonal.shape, coupling.shape))
        for forest in structure.forests:
            d = reduce_matrix(forest, d, coupling)
        return TreeFactors(1.0 / d, _mesh_factors(structure, d, coupling, bridge_g))

    def apply(
        self,
        structure: Structure,
        factors: TreeFactors,
        coupling: NodeLanes,
        bridge_g: BridgeLanes | None,
        rhs: NodeLanes,
    ) -> NodeLanes:
        """x, without a division."""
        b = rhs
        for forest in structure.forests:
            b = reduce_rhs(forest, factors.inverse, coupling, b)
        return _back(structure, factors, coupling, b)

    def solve_once(
        self,
        structure: Structure,
        diagonal: NodeLanes,
        coupling: NodeLanes,
        bridge_g: BridgeLanes | None,
        rhs: NodeLanes,
    ) -> NodeLanes:
        """x, with matrix and right-hand side eliminated in one loop."""
        d, b = jnp.broadcast_to(diagonal, rhs.shape), rhs
        for forest in structure.forests:
            d, b = reduce_both(forest, d, coupling, b)
        factors = TreeFactors(1.0 / d, _mesh_factors(structure, d, coupling, bridge_g))
        return _back(structure, factors, coupling, b)


def _mesh_factors(
    structure: Structure, reduced: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
) -> MeshFactors | None:
    if structure.mesh is None or bridge_g is None:
        return None
    return meshes.factor(structure.mesh, reduced, coupling, bridge_g)


def _back(structure: Structure, factors: TreeFactors, coupling: NodeLanes, reduced: NodeLanes) -> NodeLanes:
    """x from the reduced right-hand side."""
    x = reduced
    for forest in structure.forests:
        x = solve_roots(forest, factors.inverse, x)
    if structure.mesh is not None and factors.mesh is not None:
        rows = structure.mesh.rows
        x = x.at[rows].set(meshes.solve(structure.mesh, factors.mesh, reduced[rows]))
    for forest in structure.forests:
        x = substitute(forest, factors.inverse, coupling, x)
    return x
