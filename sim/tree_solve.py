"""The linear system of one implicit step on a tree, and its derivative.

Owns the topology of a tree as integer arrays and the solution of the symmetric system

    S x = b,     S_ii = diagonal_i,     S_cp = S_pc = -coupling_c     for every node c with its parent p,

by elimination from the leaves to the root and substitution back (Hines 1984, Int. J. Biomed. Comput. 15:69).
Does not know what a node is, nor time.

Each row of the cable equation is taken times its area and capacitance, which makes S symmetric; nodes without
capacitance (branch points) differ in `diagonal` and `b` only. S = S^T gives the derivative in one line. With
S x = b, dx = S^-1 (db - dS x), so for a cotangent g of x and lambda = S^-1 g (the same solve):

    cotangent of b_i         =  lambda_i
    cotangent of diagonal_i  = -lambda_i x_i
    cotangent of coupling_c  =  lambda_c x_p + lambda_p x_c

Forward mode is the line above; reverse mode is its transpose, which `jax.lax.custom_linear_solve` finds. Nothing is
computed for an operand that is not differentiated. x carries the name SOLUTION, so that a rematerialised step (see
time_loop.py) finds it among the saved values: the reverse pass eliminates once, for lambda, not a second time for x.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.custom_derivatives import SymbolicZero

from .types import Indices, NodeLanes

#: Name of x among the values that `jax.checkpoint` may save.
SOLUTION = "tree_solution"


class Tree(eqx.Module):
    """A rooted tree: in the order of elimination, each node but the root and its parent.

    `child[k]` is eliminated into `parent[k]`, after all children of its own.
    """

    child: Indices
    parent: Indices
    root: int = eqx.field(static=True)

    @classmethod
    def from_parents(cls, parents: np.ndarray) -> Tree:
        """From the parent of each node (-1: the root), in any order of nodes.

        Raises ValueError unless there is exactly one root and every node hangs on it.
        """
        parents = np.asarray(parents, dtype=np.int64)
        roots = np.flatnonzero(parents < 0)
        if roots.size != 1:
            raise ValueError(f"a tree has one root (parent -1), here are {roots.size}")
        order = _depth_first(parents, int(roots[0]))
        if order.size != parents.size:
            raise ValueError(f"{parents.size - order.size} nodes do not hang on the root: the parents form a cycle")
        child = order[:0:-1]
        return cls(jnp.asarray(child, jnp.int32), jnp.asarray(parents[child], jnp.int32), int(roots[0]))


def _depth_first(parents: np.ndarray, root: int) -> np.ndarray:
    """Nodes in depth-first order from the root, children in the order of their numbers."""
    by_parent = np.argsort(parents, kind="stable")
    first = np.searchsorted(parents[by_parent], np.arange(parents.size + 1))
    order, stack = [], [root]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(by_parent[first[node] : first[node + 1]][::-1].tolist())
    return np.asarray(order, dtype=np.int64)


def solve(tree: Tree, diagonal: NodeLanes, coupling: NodeLanes, rhs: NodeLanes) -> NodeLanes:
    """Solution x of S x = rhs, lane by lane; linear cost.

    `coupling[i]` joins node i to its parent (the root's is not read). Units cancel: with conductances in uS and
    currents in nA, x is in mV.
    """
    lanes = jnp.broadcast_shapes(diagonal.shape, coupling.shape, rhs.shape)
    return _solve(tree, jnp.broadcast_to(diagonal, lanes), coupling, jnp.broadcast_to(rhs, lanes))


@jax.custom_jvp
def _solve(tree: Tree, diagonal: NodeLanes, coupling: NodeLanes, rhs: NodeLanes) -> NodeLanes:
    return _eliminate_and_substitute(tree, diagonal, coupling, rhs)


@partial(_solve.defjvp, symbolic_zeros=True)
def _solve_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[jax.Array, jax.Array]:
    """dx = S^-1 (db - dS x)."""
    tree, diagonal, coupling, rhs = primals
    _, d_diagonal, d_coupling, d_rhs = tangents
    x = checkpoint_name(_solve(tree, diagonal, coupling, rhs), SOLUTION)
    change = jnp.zeros_like(rhs) if isinstance(d_rhs, SymbolicZero) else d_rhs
    if not isinstance(d_diagonal, SymbolicZero):
        change = change - d_diagonal * x
    if not isinstance(d_coupling, SymbolicZero):
        change = change - multiply(tree, jnp.zeros_like(x), d_coupling, x)
    dx = lax.custom_linear_solve(
        lambda y: multiply(tree, diagonal, coupling, y),
        change,
        lambda _, b: _eliminate_and_substitute(tree, diagonal, coupling, b),
        symmetric=True,
    )
    return x, dx


def multiply(tree: Tree, diagonal: NodeLanes, coupling: NodeLanes, x: NodeLanes) -> NodeLanes:
    """S x."""
    c, p = tree.child, tree.parent
    g = coupling[c]
    return (diagonal * x).at[c].add(-g * x[p]).at[p].add(-g * x[c])


def _eliminate_and_substitute(tree: Tree, diagonal: NodeLanes, coupling: NodeLanes, rhs: NodeLanes) -> NodeLanes:
    n = tree.child.shape[0]
    if n == 0:
        return rhs / diagonal

    def eliminate(k: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        d, b = carry
        c, p = _row(tree.child, k), _row(tree.parent, k)
        g = _row(coupling, c)
        factor = g / _row(d, c)
        # One update an array and iteration: with two, XLA copies the whole array each time.
        return _put(d, _row(d, p) - factor * g, p), _put(b, _row(b, p) + factor * _row(b, c), p)

    def substitute(k: jax.Array, x: jax.Array) -> jax.Array:
        c, p = _row(tree.child, n - 1 - k), _row(tree.parent, n - 1 - k)
        return _put(x, (_row(x, c) + _row(coupling, c) * _row(x, p)) * _row(inverse, c), c)

    d, b = lax.fori_loop(0, n, eliminate, (diagonal, rhs))
    inverse = 1.0 / d
    return lax.fori_loop(0, n, substitute, b.at[tree.root].multiply(inverse[tree.root]))


def _row(a: jax.Array, i: jax.Array) -> jax.Array:
    return lax.dynamic_index_in_dim(a, i, 0, keepdims=False)


def _put(a: jax.Array, row: jax.Array, i: jax.Array) -> jax.Array:
    return lax.dynamic_update_index_in_dim(a, row, i, 0)
