"""Backward Euler, first order, L-stable."""

from __future__ import annotations

from typing import Any

import jax

from ..dynamics import Dynamics, Flux
from ..types import NodeLanes
from .base import Splitting, implicit


class BackwardEuler(Splitting):
    """(C/dt + slope + sum g) x' - sum g x'_n = C/dt x + source at every node (Hines 1984)."""

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
        return implicit(dynamics, field, x, flux, dt, known)
