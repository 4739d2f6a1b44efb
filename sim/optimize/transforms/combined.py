"""Transforms made of others, or of two functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import ArrayLike

from .base import Transform, Values, floating


class ChainTransform(Transform):
    """Several transforms in a row: the first is applied first."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = tuple(transforms)

    def forward(self, x: ArrayLike) -> Values:
        """Through all transforms in their order."""
        x = floating(x)
        for transform in self.transforms:
            x = transform.forward(x)
        return x

    def inverse(self, y: ArrayLike) -> Values:
        """Back through all transforms in the opposite order."""
        y = floating(y)
        for transform in reversed(self.transforms):
            y = transform.inverse(y)
        return y


class MaskedTransform(Transform):
    """A transform of those entries where `mask` is True; the others stay as they are.

    Entries that stay never reach the transform: they may lie outside its range, and spoil no gradient.
    """

    def __init__(self, mask: Any, transform: Transform) -> None:
        self.mask = mask
        self.transform = transform

    def forward(self, x: ArrayLike) -> Values:
        """Transformed where the mask is True."""
        x = floating(x)
        mask = jnp.asarray(self.mask, bool)
        return jnp.where(mask, self.transform.forward(jnp.where(mask, x, 0.0)), x)

    def inverse(self, y: ArrayLike) -> Values:
        """Transformed back where the mask is True."""
        y = floating(y)
        mask = jnp.asarray(self.mask, bool)
        # Every transform is defined at 0, so this is a value inside its range.
        inside = self.transform.forward(jnp.zeros_like(y))
        return jnp.where(mask, self.transform.inverse(jnp.where(mask, y, inside)), y)


class CustomTransform(Transform):
    """Two functions of an array, each the other's inverse; both have to be written in `jax.numpy`."""

    def __init__(self, forward_fn: Callable[[Any], Any], inverse_fn: Callable[[Any], Any]) -> None:
        self.forward_fn = forward_fn
        self.inverse_fn = inverse_fn

    def forward(self, x: ArrayLike) -> Values:
        """forward_fn(x)."""
        return self.forward_fn(x)

    def inverse(self, y: ArrayLike) -> Values:
        """inverse_fn(y)."""
        return self.inverse_fn(y)
