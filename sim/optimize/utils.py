"""The norm of a tree."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .transforms.base import floating


def l2_norm(tree: Any) -> Float[Array, ""]:
    """The Euclidean norm of all values of a tree, 0 for a tree without any.

    Squares neither overflow nor vanish, as the largest value is taken out first. At zero the gradient is zero.
    """
    leaves = [floating(leaf).ravel() for leaf in jax.tree.leaves(tree)]
    if not sum(leaf.size for leaf in leaves):
        return jnp.zeros(())
    values = jnp.concatenate(leaves)
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(values)))
    # The scale is a constant: the norm does not depend on it, and neither does the gradient.
    scale = jnp.where((largest > 0.0) & jnp.isfinite(largest), largest, 1.0)
    total = jnp.sum((values / scale) ** 2)
    return jnp.where(largest == 0.0, 0.0, scale * jnp.sqrt(jnp.where(largest == 0.0, 1.0, total)))
