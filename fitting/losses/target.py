"""The recording that a simulated trace is compared with, at the recording's own samples.

Owns the linear interpolation from simulation steps to samples. Does not read files and does not simulate.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


class Target(NamedTuple):
    """One recorded trace (a pytree: stack several along a leading axis and map over it).

    ``time`` in ms from the start of the simulation, ``v`` in mV; ``step`` and ``fraction`` place each sample between
    two simulation steps. With several recording sites ``v`` has a leading axis of sites.
    """

    time: Float[Array, "*stack samples"]
    v: Float[Array, "*stack samples"]
    step: Int[Array, "*stack samples"]
    fraction: Float[Array, "*stack samples"]

    def sample(self, v: Float[Array, "*sites steps"]) -> Float[Array, "*sites samples"]:
        """The simulated voltage at the samples, by linear interpolation along the last axis."""
        left = v[..., self.step]
        return left + (v[..., self.step + 1] - left) * self.fraction.astype(v.dtype)


def make_target(
    time: Float[np.ndarray, " samples"],
    v: Float[np.ndarray, "*sites samples"],
    delta_t: float,
    n_steps: int,
    dtype: type = np.float64,
) -> Target:
    """The target for a simulation whose voltage is known at ``0, delta_t, .., n_steps * delta_t`` (ms).

    Samples off the simulated span by less than a millionth of a step count as its ends.

    Raises:
        ValueError: times that do not increase, do not fit ``v`` or lie beyond the simulated span.
    """
    time, v = np.asarray(time, np.float64), np.asarray(v, np.float64)
    if time.ndim != 1 or time.size == 0 or v.shape[-1:] != time.shape:
        raise ValueError(f"a target needs one time per sample: time is {time.shape}, v is {v.shape}")
    if np.any(np.diff(time) <= 0.0):
        raise ValueError("the sample times of a target must increase")
    position = time / delta_t
    if position[0] < -1e-6 or position[-1] > n_steps + 1e-6:
        raise ValueError(
            f"the recording spans {time[0]:g} to {time[-1]:g} ms, the simulation 0 to {n_steps * delta_t:g} ms; "
            "every sample must lie within the simulation"
        )
    step = np.clip(np.floor(position + 1e-9), 0, n_steps - 1).astype(np.int32)
    fraction = np.clip(position - step, 0.0, 1.0)
    return Target(
        time=jnp.asarray(time, dtype),
        v=jnp.asarray(v, dtype),
        step=jnp.asarray(step),
        fraction=jnp.asarray(fraction, dtype),
    )
