"""Windows in time as weights of samples, so that shapes stay static while times may be traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@dataclass(frozen=True)
class Window:
    """``start <= t < stop`` in ms from the start of the simulation.

    Raises:
        ValueError: reversed or empty.
    """

    start: float
    stop: float

    def __post_init__(self) -> None:
        if not self.start < self.stop:
            raise ValueError(f"window_ms = [{self.start:g}, {self.stop:g}]: the start must lie before the stop")

    @classmethod
    def of(cls, bounds: object) -> Window:
        """From ``[start, stop]`` as a job file has it.

        Raises:
            ValueError: not two numbers.
        """
        if isinstance(bounds, Window):
            return bounds
        if (
            not isinstance(bounds, Sequence)
            or len(bounds) != 2
            or not all(isinstance(b, (int, float)) and not isinstance(b, bool) for b in bounds)
        ):
            raise ValueError(f"window_ms = {bounds!r} must be two numbers, [start, stop] in ms")
        return cls(float(bounds[0]), float(bounds[1]))

    def inside(self, time: Float[Array | np.ndarray, " samples"]) -> Array:
        """True for the samples within."""
        return jnp.logical_and(time >= self.start, time < self.stop)

    def check(self, time: Float[np.ndarray, " samples"]) -> None:
        """Raises ValueError where no sample lies within."""
        if not np.any(self.inside(np.asarray(time))):
            raise ValueError(
                f"window_ms = [{self.start:g}, {self.stop:g}] holds no sample; "
                f"the recording has {float(time[0]):g} to {float(time[-1]):g} ms"
            )


def windowed_mean(
    x: Float[Array, " samples"], time: Float[Array, " samples"], window: Window | None
) -> Float[Array, ""]:
    """Mean of x over the window's samples: over all without a window, 0 where the window holds none."""
    if window is None:
        return jnp.mean(x)
    inside = window.inside(time)
    # Selected, not multiplied: a sample outside may be inf or NaN.
    return jnp.sum(jnp.where(inside, x, 0.0)) / jnp.maximum(jnp.sum(inside), 1).astype(x.dtype)


def windowed_max(x: Float[Array, " samples"], time: Float[Array, " samples"], window: Window) -> Float[Array, ""]:
    """The largest x of the window's samples; 0 where the window holds none."""
    inside = window.inside(time)
    largest = jnp.max(jnp.where(inside, x, -jnp.inf))
    return jnp.where(jnp.any(inside), largest, 0.0).astype(x.dtype)
