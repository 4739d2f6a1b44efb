"""Ready-made stimuli."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def step_current(
    i_delay: float, i_dur: float, i_amp: float, delta_t: float, t_max: float, i_offset: float = 0.0
) -> Float[np.ndarray, " time"]:
    """A current step in nA: `i_amp` for `i_dur` ms from `i_delay` on, `i_offset` before and after.

    Returns:
        round(t_max/delta_t) + 1 samples; sample k acts in the step from k to k+1.
    """
    n = round(t_max / delta_t) + 1
    current = np.full(n, float(i_offset))
    current[round(i_delay / delta_t) : round((i_delay + i_dur) / delta_t)] = i_amp
    return current
