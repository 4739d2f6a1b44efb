"""The gates that `Ca_HVA` and `Ca_HVA2` share. Source: Reuveni et al. 1993, J. Neurosci. 13:4609."""

from __future__ import annotations

import jax.numpy as jnp

from .gates import Gate, linoid, sigmoid
from .protocol import Values


def high_voltage_calcium_gates(v: Values, v_h: Values) -> dict[str, Gate]:
    """The rates of m at `v` and those of h at `v_h` (mV).

    alpha_m = 0.055 (-27-v)/(exp((-27-v)/3.8) - 1), which is 0.055 L(v+27, 3.8); beta_m = 0.94 exp((-75-v)/17);
    alpha_h = 0.000457 exp((-13-v_h)/50), beta_h = 0.0065/(exp((-v_h-15)/28) + 1).
    """
    alpha_m = 0.055 * linoid(v + 27.0, 3.8)
    beta_m = 0.94 * jnp.exp((v + 75.0) * (-1 / 17.0))
    alpha_h = 0.000457 * jnp.exp((v_h + 13.0) * (-1 / 50.0))
    beta_h = 0.0065 * sigmoid((v_h + 15.0) * (1 / 28.0))
    return {
        "m": Gate(alpha_m / (alpha_m + beta_m), alpha_m + beta_m),
        "h": Gate(alpha_h / (alpha_h + beta_h), alpha_h + beta_h, slow=True),
    }
