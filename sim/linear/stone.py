"""Parallel solution on unbranched cables, in a number of steps that grows with the logarithm of their length.

Stone 1973 (J. ACM 20:27) writes elimination on a tridiagonal system as recurrences that doubling makes parallel; their
products grow geometrically with the length and overflow on long cables. Here instead every second node is eliminated at
once, again and again (odd-even reduction: Hockney 1965, J. ACM 12:95; stable for diagonally dominant systems, Heller
1976, SIAM J. Numer. Anal. 13:484): the same depth, linear work, and no coefficient grows.

As in mesh.py the excess of each diagonal entry over its row's couplings is carried on in place of the entry itself, so
that reduction subtracts nothing.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from ..types import NodeLanes
from .base import LinearSolver
from .cables import Cables
from .mesh import BridgeLanes
from .structure import Structure


class Level(eqx.Module):
    """One reduction: of every second node the inverse pivot and the fractions towards both neighbours."""

    inverse: NodeLanes
    before: NodeLanes
    after: NodeLanes


class Stone(LinearSolver):
    """Odd-even reduction on cables without branches and gap junctions."""

    def require_solvable(self, structure: Structure) -> None:
        """Raise ValueError where cells are branched or joined by gap junctions."""
        _cables(structure)

    def factor(
        self, structure: Structure, diagonal: NodeLanes, coupling: NodeLanes, bridge_g: BridgeLanes | None
    ) -> tuple[Level, ...]:
        """The reductions, and last the one node that is left.

        Raises ValueError on branched cells and with gap junctions.
        """
        cables = _cables(structure)
        lanes = jnp.broadcast_shapes(diagonal.shape[1:], coupling.shape[1:])
        g = jnp.where(cables.joined[:, None] > 0, coupling[cables.link], 0.0)
        g = jnp.broadcast_to(_append_row(g), (diagonal.shape[0], *lanes))
        excess = diagonal[cables.order] - g - _shift(g)
        levels = []
        while excess.shape[0] > 1:
            excess, g = _even(excess, 1.0), _even(g, 0.0)
            e, into = excess[1::2], g[0::2]
            out = g[1::2]
            inverse = 1.0 / (e + into + out)
            before, after = into * inverse, out * inverse
            levels.append(Level(inverse, before, after))
            excess = excess[0::2] + before * e + _shift(after * e)
            g = before * out
        return (*levels, Level(1.0 / excess, jnp.zeros_like(excess), jnp.zeros_like(excess)))

    def apply(
        self,
        structure: Structure,
        factors: tuple[Level, ...],
        coupling: NodeLanes,
        bridge_g: BridgeLanes | None,
        rhs: NodeLanes,
    ) -> NodeLanes:
        """x."""
        cables = _cables(structure)
        b = rhs[cables.order]
        eliminated = []
        for level in factors[:-1]:
            length, b = b.shape[0], _even(b, 0.0)
            odd = b[1::2]
            eliminated.append((odd, length))
            b = b[0::2] + level.before * odd + _shift(level.after * odd)
        x = b * factors[-1].inverse
        for level, (odd, length) in zip(factors[-2::-1], reversed(eliminated), strict=True):
            following = _append_row(x[1:])
            odd = odd * level.inverse + level.before * x + level.after * following
            x = jnp.stack([x, odd], axis=1).reshape(-1, *x.shape[1:])[:length]
        return jnp.zeros_like(rhs).at[cables.order].set(x)


def _cables(structure: Structure) -> Cables:
    if structure.cables is None:
        raise ValueError("voltage_solver='jaxley.stone' needs unbranched cells; for branched ones use 'jaxley.dhs'")
    if structure.bridges is not None:
        raise ValueError("voltage_solver='jaxley.stone' has no gap junctions; for a network with them use 'jaxley.dhs'")
    return structure.cables


def _even(a: NodeLanes, fill: float) -> NodeLanes:
    """An even number of rows, by one more if need be."""
    return a if a.shape[0] % 2 == 0 else jnp.concatenate([a, jnp.full_like(a[:1], fill)])


def _append_row(a: NodeLanes) -> NodeLanes:
    return jnp.concatenate([a, jnp.zeros((1, *a.shape[1:]), a.dtype)])


def _shift(a: NodeLanes) -> jax.Array:
    """Each row's predecessor, zero at the first."""
    return jnp.concatenate([jnp.zeros_like(a[:1]), a[:-1]])
