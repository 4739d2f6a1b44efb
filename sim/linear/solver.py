"""The solution of S x = b by any linear solver, and its derivative, written once for all of them.

S = S^T gives the derivative in one line. With S x = b, dx = S^-1 (db - dS x), so for a cotangent g of x and
lambda = S^-1 g (the same solve):

    cotangent of b_i         =  lambda_i
    cotangent of diagonal_i  = -lambda_i x_i
    cotangent of coupling_c  =  lambda_c x_p + lambda_p x_c
    cotangent of a bridge's g = -(lambda_a - lambda_b) (x_a - x_b)

Forward mode is the line above; reverse mode is its transpose, which `jax.lax.custom_linear_solve` finds. Nothing is
computed for an operand that is not differentiated. Factors are shortcuts to S^-1 and carry no derivative: where they
are given, the adjoint uses them again. x carries the name SOLUTION, so that a rematerialised step (see time_loop.py)
finds it among the saved values: the reverse pass solves once, for lambda, not a second time for x.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.custom_derivatives import SymbolicZero

from ..types import NodeLanes
from .base import LinearSolver
from .mesh import BridgeLanes
from .structure import Structure, multiply

#: Name of x among the values that `jax.checkpoint` may save.
SOLUTION = "tree_solution"


def factor(
    linear_solver: LinearSolver,
    structure: Structure,
    diagonal: NodeLanes,
    coupling: NodeLanes,
    bridge_g: BridgeLanes | None = None,
) -> Any:
    """Factors of S for several calls of `solve` with these same operands; without derivative."""
    _check_bridges(structure, bridge_g)
    return linear_solver.factor(structure, *lax.stop_gradient((diagonal, coupling, bridge_g)))


def solve(
    linear_solver: LinearSolver,
    structure: Structure,
    diagonal: NodeLanes,
    coupling: NodeLanes,
    bridge_g: BridgeLanes | None,
    rhs: NodeLanes,
    factors: Any = None,
    known: NodeLanes | None = None,
) -> NodeLanes:
    """Solution x of S x = rhs, lane by lane, differentiable in every operand.

    Args:
        linear_solver: by which way.
        structure: the pattern of S.
        diagonal: [node, #lane] without the bridges' conductances.
        coupling: [node, #lane] of each node to its parent; a root's is not read.
        bridge_g: [bridge, #lane] conductance of each bridge; None without bridges.
        rhs: [node, #lane].
        factors: what `factor` made of the same solver, structure, diagonal, coupling and bridge_g, for several
            right-hand sides; None for one.
        known: x itself, where a reverse pass has it already; then nothing is solved but for its derivative.

    Raises ValueError where the structure has bridges and no conductances are given, or the other way round.
    """
    _check_bridges(structure, bridge_g)
    lanes = jnp.broadcast_shapes(*(a.shape[1:] for a in (diagonal, coupling, bridge_g, rhs) if a is not None))
    rhs = jnp.broadcast_to(rhs, (rhs.shape[0], *lanes))
    factors, known = lax.stop_gradient((factors, known))
    return _solve(linear_solver, structure, factors, known, diagonal, coupling, bridge_g, rhs)


def _check_bridges(structure: Structure, bridge_g: BridgeLanes | None) -> None:
    if (structure.bridges is None) != (bridge_g is None):
        n = 0 if structure.bridges is None else structure.bridges.a.shape[0]
        raise ValueError(
            f"this structure has {n} bridges: pass bridge_g={'None' if n == 0 else f'an array of shape ({n}, n_lanes)'}"
        )


@jax.custom_jvp
def _solve(
    linear_solver: LinearSolver,
    structure: Structure,
    factors: Any,
    known: NodeLanes | None,
    diagonal: NodeLanes,
    coupling: NodeLanes,
    bridge_g: BridgeLanes | None,
    rhs: NodeLanes,
) -> NodeLanes:
    if known is not None:
        return known
    if factors is None:
        return linear_solver.solve_once(structure, diagonal, coupling, bridge_g, rhs)
    return linear_solver.apply(structure, factors, coupling, bridge_g, rhs)


@partial(_solve.defjvp, symbolic_zeros=True)
def _solve_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    """dx = S^-1 (db - dS x)."""
    linear_solver, structure, factors, _, diagonal, coupling, bridge_g, rhs = primals
    d_diagonal, d_coupling, d_bridge_g, d_rhs = (None if isinstance(t, SymbolicZero) else t for t in tangents[4:])
    x = checkpoint_name(_solve(*primals), SOLUTION)
    change = jnp.zeros_like(rhs) if d_rhs is None else d_rhs
    if not (d_diagonal is None and d_coupling is None and d_bridge_g is None):
        change = change - multiply(structure, d_diagonal, d_coupling, d_bridge_g, x)
    dx = lax.custom_linear_solve(
        lambda y: multiply(structure, diagonal, coupling, bridge_g, y),
        change,
        lambda _, b: _solve(linear_solver, structure, factors, None, diagonal, coupling, bridge_g, b),
        symmetric=True,
    )
    return x, dx
