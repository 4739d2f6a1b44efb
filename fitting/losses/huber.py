"""The Huber loss of a trace: square near the target, linear far from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .loss import positive
from .target import Target
from .windows import Window, windowed_mean


@dataclass(frozen=True)
class Huber:
    """mean(h((v - target) / scale)), h(x) = x²/2 for |x| <= delta and delta (|x| - delta/2) beyond.

    ``scale_mV`` in mV, ``delta`` in units of the scale, both above 0. Source: P. J. Huber, Ann. Math. Statist. 35
    (1964) 73.
    """

    scale_mV: float = 1.0
    delta: float = 1.0
    takes_window: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("scale_mV", self.scale_mV)
        positive("delta", self.delta)

    def __call__(self, v: Float[Array, " samples"], target: Target, window: Window | None = None) -> Float[Array, ""]:
        x = jnp.abs(v - target.v.astype(v.dtype)) / self.scale_mV
        # Split into the part within delta and the rest: neither overflows where the other applies.
        near = jnp.minimum(x, self.delta)
        return windowed_mean(0.5 * jnp.square(near) + self.delta * (x - near), target.time, window)

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Any sample times will do."""
