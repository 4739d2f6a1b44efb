"""Onto an interval, by the logistic function."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .base import Transform, Values, first_where, floating, is_known, like, require

#: Standard deviation of the logistic distribution, whose distribution function is 1 / (1 + exp(-x)).
_LOGISTIC_DEVIATION = math.pi / math.sqrt(3.0)


class SigmoidTransform(Transform):
    """y = lower + (upper - lower) / (1 + exp(-x)): onto the interval between two bounds.

    Near either bound the distance to that bound is what is computed, so that no digits are lost on the way back.

    Raises:
        ValueError: bounds that are reversed, equal or not finite.
    """

    def __init__(self, lower: Any, upper: Any) -> None:
        if is_known(lower, upper):
            good = np.asarray(np.isfinite(lower) & np.isfinite(upper) & np.less(lower, upper))
            if not good.all():
                name, (low, high) = type(self).__name__, first_where(~good, lower, upper)
                raise ValueError(f"{name}: lower {low} is not below upper {high}, both finite; e.g. {name}(0.0, 1.0)")
        self.lower = lower
        self.upper = upper

    def forward(self, x: ArrayLike) -> Values:
        """The parameter; the bound itself where x is so large that rounding leaves nothing between."""
        x = floating(x)
        low, high = like(self.lower, x), like(self.upper, x)
        width = high - low
        return jnp.where(x < 0.0, low + width * jax.nn.sigmoid(x), high - width * jax.nn.sigmoid(-x))

    def inverse(self, y: ArrayLike) -> Values:
        """ln (y - lower) - ln (upper - y); refuses the bounds and what lies beyond."""
        y = floating(y)
        low, high = like(self.lower, y), like(self.upper, y)
        require((low < y) & (y < high), y, "between {} and {}, bounds excluded", self.lower, self.upper)
        return jnp.log(y - low) - jnp.log(high - y)


class LogisticTransform(SigmoidTransform):
    """`SigmoidTransform` of x times pi / sqrt(3).

    A uniform parameter then has unconstrained values of variance 1 (the logistic distribution's is pi^2 / 3).
    """

    def forward(self, x: ArrayLike) -> Values:
        """The parameter."""
        return super().forward(floating(x) * _LOGISTIC_DEVIATION)

    def inverse(self, y: ArrayLike) -> Values:
        """The unconstrained value; refuses the bounds and what lies beyond."""
        return super().inverse(y) / _LOGISTIC_DEVIATION
