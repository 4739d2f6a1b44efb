"""Straight lines: nothing at all, and scale with shift."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from .base import Transform, Values, floating, is_known, like


class IdentityTransform(Transform):
    """y = x."""

    def forward(self, x: ArrayLike) -> Values:
        """x."""
        return floating(x)

    def inverse(self, y: ArrayLike) -> Values:
        """y."""
        return floating(y)


class AffineTransform(Transform):
    """y = scale x + shift.

    Raises:
        ValueError: a scale of 0, which has no inverse.
    """

    def __init__(self, scale: Any, shift: Any) -> None:
        if is_known(scale) and np.any(np.asarray(scale) == 0):
            raise ValueError("AffineTransform: a scale of 0 has no inverse; e.g. AffineTransform(scale=2.0, shift=0.0)")
        self.scale = scale
        self.shift = shift

    def forward(self, x: ArrayLike) -> Values:
        """scale x + shift."""
        x = floating(x)
        return like(self.scale, x) * x + like(self.shift, x)

    def inverse(self, y: ArrayLike) -> Values:
        """(y - shift) / scale."""
        y = floating(y)
        return (y - like(self.shift, y)) / like(self.scale, y)
