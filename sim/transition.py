"""e^(dt G): what the cable alone makes of a quantity in dt. Dense matrices, one for each cell.

G = -C^-1 L, with L the couplings of compartments once branch points are eliminated (their Schur complement).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.linalg import expm

from .cable import Cable
from .lowered import Component, Model

#: Enough for dt G up to 2e10 (a gap junction of 1e6 uS between compartments of a square micrometre); beyond it is NaN.
_MAX_SQUARINGS = 32


def transition_matrices(model: Model, cable: Cable, bridges: jax.Array | None, dt: jax.Array) -> tuple[jax.Array, ...]:
    """For each component the matrices [copy, #lane, comp, comp] of one quantity."""
    return tuple(_transition(cable, part, bridges, dt) for part in model.components)


def _transition(cable: Cable, part: Component, bridges: jax.Array | None, dt: jax.Array) -> jax.Array:
    laplacian = component_laplacian(cable, part, bridges)
    n = part.comps.shape[0]
    # Branch points join compartments only, so their block is diagonal.
    of_points = jnp.diagonal(laplacian[..., n:, n:], axis1=-2, axis2=-1)
    inverse = 1.0 / jnp.where(of_points == 0.0, 1.0, of_points)
    across = laplacian[..., :n, n:]
    reduced = laplacian[..., :n, :n] - (across * inverse[..., None, :]) @ jnp.swapaxes(across, -1, -2)
    capacity = _by_copy(cable.capacity, part.comps)
    generator = -reduced / capacity[..., :, None]
    flat = generator.reshape(-1, n, n)
    # One after another: side by side all would be in memory at once.
    return jax.lax.map(lambda g: _exponential(dt * g), flat).reshape(generator.shape)


def _exponential(generator: jax.Array) -> jax.Array:
    """e^generator of a matrix whose rows sum to zero, so that those of the result sum to one: uniform values stay.

    Each squaring doubles the rounding error of these sums, which would move v at rest: they are made one again.
    """
    matrix = expm(generator, max_squarings=_MAX_SQUARINGS)
    return matrix / matrix.sum(axis=-1, keepdims=True)


def component_laplacian(cable: Cable, part: Component, bridges: jax.Array | None) -> jax.Array:
    """Couplings of all nodes of a component, [copy, #lane, node, node]: what leaves at x is this times x."""
    rows = jnp.concatenate([part.comps, part.points])
    n, copies = rows.shape
    coupling = _by_copy(cable.coupling, rows)  # [copy, lane, node]
    matrix = jnp.zeros((copies, coupling.shape[1], n, n), coupling.dtype)
    here = jnp.arange(n, dtype=part.parent.dtype)
    matrix = matrix.at[..., here, here].add(_by_copy(cable.coupling_sum, rows))
    is_child = (here != part.parent).astype(coupling.dtype)
    matrix = matrix.at[..., here, part.parent].add(-coupling * is_child)
    matrix = matrix.at[..., part.parent, here].add(-coupling * is_child)
    ends = cable.structure.bridges
    if bridges is None or ends is None or not part.bridges.shape[0]:
        return matrix
    g = bridges[part.bridges].T[None]  # [1, lane, bridge]
    place = jnp.zeros(cable.capacity.shape[0], jnp.int32).at[rows[:, 0]].set(here.astype(jnp.int32))
    a, b = place[ends.a[part.bridges]], place[ends.b[part.bridges]]
    matrix = jnp.broadcast_to(matrix, jnp.broadcast_shapes(matrix.shape, (1, g.shape[1], 1, 1)))
    return matrix.at[..., a, a].add(g).at[..., b, b].add(g).at[..., a, b].add(-g).at[..., b, a].add(-g)


def _by_copy(x: jax.Array, rows: jax.Array) -> jax.Array:
    """[node, #lane] at rows [node, copy] -> [copy, #lane, node]."""
    return jnp.transpose(x[rows], (1, 2, 0))
