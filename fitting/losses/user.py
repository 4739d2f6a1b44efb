"""A loss written by the user: any function f(v, target, time) -> scalar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .target import Target
from .windows import Window


@dataclass(frozen=True)
class UserLoss:
    """``f(v, target, time)`` with three arrays [samples] (mV, mV, ms), written in jax.numpy, giving a scalar.

    ``name`` is what errors call it ("file.py:function"). It sees the times, so it windows itself.
    """

    f: Callable[[Array, Array, Array], Array]
    name: str
    takes_window: ClassVar[bool] = False

    def __call__(self, v: Float[Array, " samples"], target: Target, window: Window | None = None) -> Float[Array, ""]:
        return jnp.asarray(self.f(v, target.v.astype(v.dtype), target.time), v.dtype)

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Trace the function and its gradient once.

        Raises:
            ValueError: it fails, cannot be differentiated, or gives something else than a scalar.
        """
        samples = jax.ShapeDtypeStruct(np.shape(time), jnp.float32)

        def with_gradient(v: Array, target: Array, t: Array) -> tuple[Array, Array]:
            return jax.value_and_grad(lambda x: jnp.asarray(self.f(x, target, t)))(v)

        try:
            jax.eval_shape(with_gradient, samples, samples, samples)
        except Exception as error:  # whatever the user's code raises is a fault of the job, told in one line
            reason = " ".join(str(error).split())[:300]
            raise ValueError(
                f"loss {self.name}: f(v, target, time) -> scalar fails with {type(error).__name__}: {reason}"
            ) from None
