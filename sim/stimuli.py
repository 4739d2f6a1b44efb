"""Ready-made stimuli. Owns how long one is and which of its samples are on; injects nothing."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float


def step_current(
    i_delay: float, i_dur: float, i_amp: Any, delta_t: float, t_max: float, i_offset: Any = 0.0
) -> Float[np.ndarray | Array, " time"]:
    """A current step in nA: `i_amp` for `i_dur` ms from `i_delay` on, `i_offset` before and after.

    Amplitude and offset are numbers (NumPy's or JAX's scalars as well), or values that JAX differentiates.

    Returns:
        round(t_max/delta_t) + 1 samples; sample k acts in the step from k to k+1. A JAX array if the amplitude or the
        offset is one, else a NumPy array.

    Raises:
        ValueError: no time step above 0, an end before the start, or an amplitude that is not one number.
    """
    for name, value in (("i_amp", i_amp), ("i_offset", i_offset)):
        if np.size(value) != 1:
            raise ValueError(
                f"step_current takes one {name}, not shape {np.shape(value)}; "
                "for several amplitudes call datapoint_to_step_currents"
            )
    on = _on(i_delay, i_dur, delta_t, t_max)
    if isinstance(i_amp, jax.Array) or isinstance(i_offset, jax.Array):
        return jnp.where(on, _floating(i_amp).reshape(()), _floating(i_offset).reshape(()))
    return np.where(on, float(np.reshape(i_amp, ())), float(np.reshape(i_offset, ())))


def datapoint_to_step_currents(
    i_delay: float, i_dur: float, i_amp: Any, delta_t: float, t_max: float, i_offset: Any = 0.0
) -> Float[Array, "data time"]:
    """A current step in nA for each data point, e.g. to `stimulate` as many compartments.

    Args:
        i_amp: amplitudes (data,); may be values that JAX differentiates. The rest is `step_current`'s.

    Returns:
        (data, round(t_max/delta_t) + 1).

    Raises:
        ValueError: as `step_current`, or `i_amp` is not a vector.
    """
    if np.ndim(i_amp) != 1:
        raise ValueError(
            f"datapoint_to_step_currents takes a vector i_amp, not shape {np.shape(i_amp)}; "
            "for one amplitude call step_current"
        )
    on = _on(i_delay, i_dur, delta_t, t_max)
    return jnp.where(on[None, :], _floating(i_amp)[:, None], i_offset)


def _floating(x: Any) -> Array:
    """As a JAX array of a floating-point type, of its own if it has one."""
    return jnp.asarray(x, jnp.result_type(float, x))


def _on(i_delay: float, i_dur: float, delta_t: float, t_max: float) -> Bool[np.ndarray, " time"]:
    """Which of the run's samples belong to the step."""
    if not delta_t > 0 or not t_max >= 0 or not i_dur >= 0:
        raise ValueError(
            f"a step needs delta_t above 0 and neither t_max nor i_dur below, not delta_t={delta_t}, t_max={t_max}, "
            f"i_dur={i_dur}; e.g. step_current(i_delay=1.0, i_dur=2.0, i_amp=0.1, delta_t=0.025, t_max=10.0)"
        )
    sample = np.arange(round(t_max / delta_t) + 1)
    return (round(i_delay / delta_t) <= sample) & (sample < round((i_delay + i_dur) / delta_t))
