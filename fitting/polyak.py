"""The field's Polyak rule: a step as long as the loss times mu, along the gradient divided by a power of its norm."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float


def polyak(mu: float, beta: float = 0.9) -> optax.GradientTransformationExtraArgs:
    """u <- u - mu * loss * gradient / ‖gradient‖^beta, for one start (the parameters are one vector).

    With beta = 1 the step's length is mu * loss; with beta = 2 and mu = 1 it is Polyak's rule for a loss whose
    minimum is 0 (B. T. Polyak, Introduction to Optimization, 1987). A gradient of 0 gives a step of 0.

    Raises:
        ValueError: mu is not above 0, or beta is negative.
    """
    if not mu > 0.0:
        raise ValueError(f"mu = {mu} must be above 0")
    if not beta >= 0.0:
        raise ValueError(f"beta = {beta} must be 0 or above")

    def init(params: Float[Array, " parameters"]) -> optax.EmptyState:
        return optax.EmptyState()

    def update(
        gradient: Float[Array, " parameters"],
        state: optax.EmptyState,
        params: Float[Array, " parameters"] | None = None,
        *,
        value: Float[Array, ""],
        **_: Any,
    ) -> tuple[Float[Array, " parameters"], optax.EmptyState]:
        norm = jnp.sqrt(jnp.sum(jnp.square(gradient)))
        divisor = jnp.where(norm > 0.0, norm, 1.0) ** beta
        return -mu * value * gradient / divisor, state

    return optax.GradientTransformationExtraArgs(init, update)
