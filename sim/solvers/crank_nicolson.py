"""Crank-Nicolson, second order with staggered gates, A-stable."""

from __future__ import annotations

from typing import Any

import jax

from ..dynamics import Dynamics, Flux
from ..types import NodeLanes
from .base import Splitting, implicit


class CrankNicolson(Splitting):
    """Half a step of backward Euler, x_half, then 2 x_half - x (Hines & Carnevale 1997, Neural Comput. 9:1179).

    Nodes without capacity have no x of their own: they take what their neighbours make of them, and so never oscillate.
    """

    def advance_field(
        self,
        dynamics: Dynamics,
        field: str,
        prepared: Any,
        x: NodeLanes,
        flux: Flux,
        dt: jax.Array,
        known: NodeLanes | None,
    ) -> NodeLanes:
        """x after dt."""
        n, cable = flux.slope.shape[0], dynamics.cables[field]
        # Branch points have no x (see `advance_field`'s caller), and x_half there is what x_half of compartments makes.
        known_half = None if known is None else cable.with_points(0.5 * (x[:n] + known[:n]))
        half = implicit(dynamics, field, x, flux, 0.5 * dt, known_half)
        return cable.with_points(2.0 * half[:n] - x[:n])
