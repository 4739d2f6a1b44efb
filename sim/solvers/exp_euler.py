"""Exponential Euler, first order: the membrane exactly, then the cable exactly."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from ..cable import VOLTAGE
from ..dynamics import Dynamics, Flux
from ..ions import mean_decay
from ..synaptic import bridge_conductance
from ..transition import transition_matrices
from ..types import NodeLanes
from .base import Splitting


class ExponentialEuler(Splitting):
    """x* from C dx/dt = source - slope x, held for dt; then x' = e^(dt G) x* (Lie-Trotter splitting).

    G is the cable alone, gap junctions included, branch points eliminated. Its exponentials are dense matrices, one for
    each cell, made once before the first step.

    Attributes:
        transitions: for each quantity these matrices of each component, where they were computed ahead; else None.
    """

    follows_conductances: ClassVar[bool] = False

    transitions: dict[str, tuple[jax.Array, ...]] | None = None

    def prepare(self, dynamics: Dynamics, dt: jax.Array) -> Any:
        """The exponentials of each quantity that spreads (transition.py)."""
        if self.transitions is not None:
            return self.transitions
        model = dynamics.model
        bridges = bridge_conductance(model, model.states)
        return {
            field: transition_matrices(model, cable, bridges if field == VOLTAGE else None, dt)
            for field, cable in dynamics.cables.items()
        }

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
        cable, n = dynamics.cables[field], flux.slope.shape[0]
        capacity = cable.capacity[:n]
        decay = mean_decay(dt * flux.slope / capacity)
        alone = x[:n] + dt * (flux.source - flux.slope * x[:n]) / capacity * decay
        spread = jnp.zeros_like(alone)
        for part, matrix in zip(dynamics.model.components, prepared[field], strict=True):
            here = alone[part.comps]  # [comp, copy, lane]
            if matrix.shape[1] == 1:
                after = jnp.einsum("cij,jcl->icl", matrix[:, 0], here)
            else:
                after = jnp.einsum("clij,jcl->icl", matrix, here)
            spread = spread.at[part.comps].set(after)
        return cable.with_points(spread)
