"""Elimination and substitution on the trees of equal cells, many cells a loop turn.

Owns the order of elimination and the loops over it. Does not know the nodes that gap junctions couple to other cells
(mesh.py): what hangs on them is eliminated into them, and substituted from them, here.

A super-node is `width` consecutive rows that hold the same node of `width` equal cells. The system, S_ii = diagonal_i
and S_cp = -coupling_c, is eliminated from the leaves to the roots and substituted back (Hines 1984, Int. J. Biomed.
Comput. 15:69), a super-node at once. With the pivots d, of which the inverses are kept:

    d_p -= coupling_c / d_c coupling_c      b_p += coupling_c / d_c b_c      x_c = (b_c + coupling_c x_p) / d_c
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
from jax import lax

from ..types import Indices, NodeLanes

Carry = TypeVar("Carry")


class Forest(eqx.Module):
    """Trees of super-nodes of one width, in the order of elimination.

    Attributes:
        width: rows of a super-node.
        child: first row of each super-node that has a parent to be eliminated into, the deepest first.
        parent: first row of that parent.
        roots: first rows of the super-nodes that are left with an equation of their own.
    """

    width: int = eqx.field(static=True)
    child: Indices
    parent: Indices
    roots: Indices


def reduce_matrix(forest: Forest, diagonal: NodeLanes, coupling: NodeLanes) -> NodeLanes:
    """The pivots of all but the roots; at the roots what elimination leaves of their diagonal.

    `diagonal` has all lanes that `coupling` has.
    """

    def eliminate(k: jax.Array, d: jax.Array) -> jax.Array:
        c, p = _at(forest.child, k), _at(forest.parent, k)
        g = _rows(coupling, c, forest.width)
        return _put(d, _rows(d, p, forest.width) - g / _rows(d, c, forest.width) * g, p)

    return _loop(forest.child, eliminate, diagonal)


def reduce_rhs(forest: Forest, inverse: NodeLanes, coupling: NodeLanes, rhs: NodeLanes) -> NodeLanes:
    """The right-hand side after elimination, by the inverse pivots."""

    def eliminate(k: jax.Array, b: jax.Array) -> jax.Array:
        c, p = _at(forest.child, k), _at(forest.parent, k)
        fraction = _rows(coupling, c, forest.width) * _rows(inverse, c, forest.width)
        return _put(b, _rows(b, p, forest.width) + fraction * _rows(b, c, forest.width), p)

    return _loop(forest.child, eliminate, rhs)


def reduce_both(
    forest: Forest, diagonal: NodeLanes, coupling: NodeLanes, rhs: NodeLanes
) -> tuple[NodeLanes, NodeLanes]:
    """`reduce_matrix` and `reduce_rhs` in one loop, for a matrix that serves one right-hand side only."""

    def eliminate(k: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        d, b = carry
        c, p = _at(forest.child, k), _at(forest.parent, k)
        g = _rows(coupling, c, forest.width)
        fraction = g / _rows(d, c, forest.width)
        # One update an array and iteration: with two, XLA copies the whole array each time.
        return (
            _put(d, _rows(d, p, forest.width) - fraction * g, p),
            _put(b, _rows(b, p, forest.width) + fraction * _rows(b, c, forest.width), p),
        )

    return _loop(forest.child, eliminate, (diagonal, rhs))


def solve_roots(forest: Forest, inverse: NodeLanes, reduced: NodeLanes) -> NodeLanes:
    """The reduced right-hand side, with the solution in its place at the roots."""

    def divide(k: jax.Array, x: jax.Array) -> jax.Array:
        root = _at(forest.roots, k)
        return _put(x, _rows(x, root, forest.width) * _rows(inverse, root, forest.width), root)

    return _loop(forest.roots, divide, reduced)


def substitute(forest: Forest, inverse: NodeLanes, coupling: NodeLanes, x: NodeLanes) -> NodeLanes:
    """The solution, from its values where nothing is eliminated and the reduced right-hand side at all other nodes."""
    last = forest.child.shape[0] - 1

    def insert_parent(k: jax.Array, x: jax.Array) -> jax.Array:
        c, p = _at(forest.child, last - k), _at(forest.parent, last - k)
        b = _rows(x, c, forest.width) + _rows(coupling, c, forest.width) * _rows(x, p, forest.width)
        return _put(x, b * _rows(inverse, c, forest.width), c)

    return _loop(forest.child, insert_parent, x)


def _loop(over: Indices, body: Callable[[jax.Array, Carry], Carry], carry: Carry) -> Carry:
    n = over.shape[0]
    return lax.fori_loop(0, n, body, carry) if n else carry


def _at(indices: Indices, k: jax.Array) -> jax.Array:
    return lax.dynamic_index_in_dim(indices, k, 0, keepdims=False)


def _rows(a: jax.Array, start: jax.Array, width: int) -> jax.Array:
    return lax.dynamic_slice_in_dim(a, start, width, 0)


def _put(a: jax.Array, rows: jax.Array, start: jax.Array) -> jax.Array:
    return lax.dynamic_update_slice_in_dim(a, rows, start, 0)
