"""Matrices of exponential Euler in the user's order: one [comp, comp] for each quantity that spreads along the cable.

Owns the way from there to the matrices of transition.py, one for each cell in the lowered order, and back.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .cable import VOLTAGE, cables_of
from .description.module import Module
from .lower import lower
from .lowered import Lowered
from .synaptic import bridge_conductance
from .transition import transition_matrices

Dense = Float[Array, "field comp comp"]
#: For each quantity the matrices [copy, #lane, comp, comp] of each component (transition.py).
Transitions = dict[str, tuple[jax.Array, ...]]


def build_transition(module: Module, delta_t: float) -> Dense:
    """e^(delta_t G) of the voltage, then of the concentrations that diffuse, with the module's present values.

    Raises ValueError unless delta_t is above 0.
    """
    if not delta_t > 0:
        raise ValueError(f"build_exp_euler_transition_matrix takes a time step above 0 ms, not {delta_t}")
    lowered = lower(module)
    model, n = lowered.model, len(lowered.index.user_of_comp)
    dense = []
    for field, cable in cables_of(model).items():
        bridges = bridge_conductance(model, model.states) if field == VOLTAGE else None
        whole = np.zeros((n, n), model.dtype)
        matrices = transition_matrices(model, cable, bridges, jnp.asarray(delta_t, model.dtype))
        for rows, matrix in zip(_user_rows(lowered), matrices, strict=True):
            whole[rows[:, :, None], rows[:, None, :]] = np.asarray(matrix)[:, 0]
        dense.append(whole)
    return jnp.asarray(np.stack(dense))


def by_component(lowered: Lowered, dense: np.ndarray) -> Transitions:
    """The matrices of `build_transition`, cell by cell in the lowered order and the model's floating-point type."""
    rows = _user_rows(lowered)
    return {
        field: tuple(jnp.asarray(whole[r[:, :, None], r[:, None, :]][:, None], lowered.model.dtype) for r in rows)
        for field, whole in zip((VOLTAGE, *lowered.model.diffusing), dense, strict=True)
    }


def checked(module: Module, matrix: Array | np.ndarray) -> np.ndarray:
    """A matrix of the user's as an array that fits the module's present cables.

    Raises ValueError for another shape, values that are not finite, or an entry between compartments that no cable
    joins.
    """
    lowered = lower(module)
    n, fields = len(lowered.index.user_of_comp), (VOLTAGE, *lowered.model.diffusing)
    dense = np.asarray(matrix, dtype=float)
    if dense.shape != (len(fields), n, n):
        raise ValueError(
            f"exp_euler_transition has shape ({len(fields)}, {n}, {n}), a matrix for each of {', '.join(fields)}, not "
            f"{dense.shape}; use module.build_exp_euler_transition_matrix(delta_t)"
        )
    if not np.isfinite(dense).all():
        raise ValueError("exp_euler_transition: every entry has to be a finite number")
    part = np.zeros((n, n), bool)
    for rows in _user_rows(lowered):
        part[rows[:, :, None], rows[:, None, :]] = True
    if dense[:, ~part].any():
        i, j = np.argwhere(~part & dense.any(axis=0))[0]
        raise ValueError(f"exp_euler_transition: compartments {i} and {j} are of cells that nothing but synapses joins")
    return dense


def _user_rows(lowered: Lowered) -> list[np.ndarray]:
    """For each component [copy, comp] the user's numbers of its compartments."""
    return [lowered.index.user_of_comp[np.asarray(part.comps)].T for part in lowered.model.components]
