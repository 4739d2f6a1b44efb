"""What a transform is, and the checks that all of them share.

A transform computes in the floating-point type of the values it is given (integers become JAX's default one).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

#: Values of any shape, transformed one by one.
Values = Float[Array, "..."]


class Transform(ABC):
    """A map of single values, one to one and with a finite slope wherever `forward` is taken."""

    def __call__(self, x: ArrayLike) -> Values:
        """The same as `forward`."""
        return self.forward(x)

    @abstractmethod
    def forward(self, x: ArrayLike) -> Values:
        """The parameter of an unconstrained value."""

    @abstractmethod
    def inverse(self, y: ArrayLike) -> Values:
        """The unconstrained value of a parameter.

        Raises:
            ValueError: a value has none, since it is not inside the range. Inside `jax.jit`, `jax.grad` or `jax.vmap`
                values are not known; there the result is not finite.
        """


def floating(x: ArrayLike) -> Values:
    """`x` as an array of a floating-point type."""
    array = jnp.asarray(x)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(jnp.result_type(float))


def like(bound: Any, x: Values) -> Values:
    """A constant of a transform in the type of `x`."""
    return jnp.asarray(bound, x.dtype)


def is_known(*values: Any) -> bool:
    """Whether these are numbers, not stand-ins in a function that JAX transforms."""
    return not any(isinstance(value, jax.core.Tracer) for value in values)


def require(inside: Any, y: Values, range_: str, *bounds: Any) -> None:
    """Raise ValueError unless all values `y` are inside; silent where they are not known.

    `range_` says where inside is, with {} for each of the `bounds`.
    """
    if is_known(inside, y, *bounds) and not np.all(inside):
        value, *limits = first_where(~np.asarray(inside), y, *bounds)
        raise ValueError(f"{value:g} is not {range_.format(*limits)}; move it inside before the call of inverse")


def first_where(chosen: np.ndarray, *arrays: Any) -> list[float]:
    """Of each array the entry at the first place where `chosen` is True; all have one shape or broadcast to it."""
    return [float(np.broadcast_to(np.asarray(a), chosen.shape)[chosen].flat[0]) for a in arrays]
