"""The system as a dense matrix: for tests, and for a handful of nodes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.linalg import lu_factor, lu_solve
from jaxtyping import Array, Float

from ..types import NodeLanes
from .base import LinearSolver
from .mesh import BridgeLanes
from .structure import Structure, multiply

Factors = tuple[jax.Array, jax.Array]


class Dense(LinearSolver):
    """LU with pivoting of each lane's matrix; cubic cost."""

    def factor(
        self, structure: Structure, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
    ) -> Factors:
        """LU and its row exchanges, by lane."""
        return jax.vmap(lu_factor)(matrix(structure, diagonal, coupling, bridge_g))

    def apply(
        self,
        structure: Structure,
        factors: Factors,
        coupling: NodeLanes,
        bridge_g: BridgeLanes | None,
        rhs: NodeLanes,
    ) -> NodeLanes:
        """x."""
        lu, exchanges = factors
        if lu.shape[0] == 1:
            return lu_solve((lu[0], exchanges[0]), rhs)
        return jax.vmap(lambda f, e, b: lu_solve((f, e), b), in_axes=(0, 0, 1), out_axes=1)(lu, exchanges, rhs)


def matrix(
    structure: Structure, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
) -> Float[Array, "lane node node"]:
    """S of each lane that the operands have."""
    given = {"diagonal": diagonal, "coupling": coupling, "bridge_g": bridge_g}
    operands = {name: a for name, a in given.items() if a is not None}
    n, lanes = diagonal.shape[0], jnp.broadcast_shapes(*(a.shape[1:] for a in operands.values()))
    unit = jnp.eye(n, dtype=diagonal.dtype)

    def of_lane(operands: dict[str, jax.Array]) -> jax.Array:
        column = {name: a[:, None] for name, a in operands.items()}
        return multiply(structure, column["diagonal"], column["coupling"], column.get("bridge_g"), unit)

    return jax.vmap(of_lane, in_axes=1)({k: jnp.broadcast_to(a, (a.shape[0], *lanes)) for k, a in operands.items()})
