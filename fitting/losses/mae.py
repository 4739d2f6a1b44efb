"""The mean absolute error of a trace."""

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
class MeanAbsoluteError:
    """mean(|v - target| / scale) over the samples; ``scale_mV`` in mV, above 0.

    The gradient at a sample that is hit exactly is 0.
    """

    scale_mV: float = 1.0
    takes_window: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("scale_mV", self.scale_mV)

    def __call__(self, v: Float[Array, " samples"], target: Target, window: Window | None = None) -> Float[Array, ""]:
        x = (v - target.v.astype(v.dtype)) / self.scale_mV
        return windowed_mean(jnp.abs(x), target.time, window)

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Any sample times will do."""
