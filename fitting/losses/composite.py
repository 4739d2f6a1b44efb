"""A weighted sum of losses, over one recording site or several."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .loss import Loss
from .target import Target
from .windows import Window


@dataclass(frozen=True)
class Term:
    """``weight * loss``, within ``window`` where one is given."""

    loss: Loss
    weight: float = 1.0
    window: Window | None = None


@dataclass(frozen=True)
class CompositeLoss:
    """The weighted sum of the terms, then the mean over recording sites."""

    terms: tuple[Term, ...]

    def __call__(self, v: Float[Array, "*sites samples"], target: Target) -> Float[Array, ""]:
        """``v`` in mV at the target's samples; ``target.v`` has the same shape as ``v``."""
        if v.ndim == 1:
            return self._one_site(v, target)
        per_site = jax.vmap(lambda x, y: self._one_site(x, target._replace(v=y)))(v, target.v)
        return jnp.mean(per_site)

    def _one_site(self, v: Float[Array, " samples"], target: Target) -> Float[Array, ""]:
        total = jnp.zeros((), v.dtype)
        for term in self.terms:
            total = total + term.weight * term.loss(v, target, term.window)
        return total

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Raises ValueError where a term's window holds no sample, or a user's function fails at this length."""
        for term in self.terms:
            term.loss.check(time)
            if term.window is not None:
                term.window.check(time)
