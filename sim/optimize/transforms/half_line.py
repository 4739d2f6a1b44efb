"""Onto a half line: above or below one bound."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .base import Transform, Values, floating, like, require


class SoftplusTransform(Transform):
    """y = lower + ln(1 + exp(x)): above a bound, and x itself (plus the bound) far from it.

    No threshold is needed: neither the value nor the slope overflows at any x.
    """

    def __init__(self, lower: Any) -> None:
        self.lower = lower

    def forward(self, x: ArrayLike) -> Values:
        """The parameter."""
        x = floating(x)
        return like(self.lower, x) + jax.nn.softplus(x)

    def inverse(self, y: ArrayLike) -> Values:
        """The unconstrained value; refuses the bound and what lies below."""
        y = floating(y)
        above = y - like(self.lower, y)
        require((above > 0.0) & jnp.isfinite(above), y, "above {}, the bound excluded", self.lower)
        return _softplus_inverse(above)


class NegSoftplusTransform(Transform):
    """y = upper - ln(1 + exp(-x)): below a bound, and x itself (plus the bound) far from it."""

    def __init__(self, upper: Any) -> None:
        self.upper = upper

    def forward(self, x: ArrayLike) -> Values:
        """The parameter."""
        x = floating(x)
        return like(self.upper, x) - jax.nn.softplus(-x)

    def inverse(self, y: ArrayLike) -> Values:
        """The unconstrained value; refuses the bound and what lies above."""
        y = floating(y)
        below = like(self.upper, y) - y
        require((below > 0.0) & jnp.isfinite(below), y, "below {}, the bound excluded", self.upper)
        return -_softplus_inverse(below)


class LogTransform(Transform):
    """y = exp(x): positive, with equal steps in its logarithm.

    x is held where exp(x) is a normal number of its type: the result is never 0 nor infinite. For a range of several
    decades between bounds a and b chain it: `ChainTransform([SigmoidTransform(log(a), log(b)), LogTransform()])`.
    """

    def forward(self, x: ArrayLike) -> Values:
        """exp(x)."""
        x = floating(x)
        limits = jnp.finfo(x.dtype)
        return jnp.exp(jnp.clip(x, np.log(limits.tiny) + 1.0, np.log(limits.max) - 1.0))

    def inverse(self, y: ArrayLike) -> Values:
        """ln y; refuses 0 and what lies below."""
        y = floating(y)
        require((y > 0.0) & jnp.isfinite(y), y, "above 0")
        return jnp.log(y)


def _softplus_inverse(above: Values) -> Values:
    """ln(exp(z) - 1) = z + ln(1 - exp(-z)), which overflows nowhere and keeps its digits at small z."""
    return above + jnp.log(-jnp.expm1(-above))
