"""Forward Euler, first order, stable only for small steps."""

from __future__ import annotations

from typing import Any

import jax

from ..dynamics import Dynamics, Flux
from ..types import NodeLanes
from .base import Splitting
from .stage import inflow


class ForwardEuler(Splitting):
    """x' = x + dt / C (source - slope x + sum g (x_n - x)) at every compartment."""

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
        cable = dynamics.cables[field]
        n = flux.slope.shape[0]
        here = cable.with_points(x[:n])
        return cable.with_points(x[:n] + dt * inflow(cable, flux, here) / cable.capacity[:n])
