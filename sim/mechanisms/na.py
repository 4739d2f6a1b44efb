"""`Na`: the fast sodium current of the minimal cortical models.

Source: Pospischil et al. 2008, Biol. Cybern. 99:427, after Traub & Miles 1991. No deviation. Names and defaults are
those of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, linoid, sigmoid
from .pospischil import E_NA, V_T
from .protocol import Values


class Na(GatedChannel):
    """gNa m^3 h (v - eNa)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gNa": 50e-3, "eNa": E_NA, "vt": V_T}
        self.channel_states = {f"{prefix}_m": 0.2, f"{prefix}_h": 0.2}
        self.current_name = "i_Na"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Steady states and rates, with u = v - vt.

        alpha_m = 0.32 L(u-13, 4), beta_m = 0.28 L(40-u, 5) with L(x, k) = x / (1 - exp(-x/k));
        alpha_h = 0.128 exp(-(u-17)/18), beta_h = 4/(1 + exp(-(u-40)/5)).
        """
        u = v - params["vt"]
        alpha_m = 0.32 * linoid(u - 13.0, 4.0)
        beta_m = 0.28 * linoid(40.0 - u, 5.0)
        alpha_h = 0.128 * jnp.exp((u - 17.0) * (-1 / 18.0))
        beta_h = 4.0 * sigmoid((u - 40.0) * (1 / 5.0))
        return {
            "m": Gate(alpha_m / (alpha_m + beta_m), alpha_m + beta_m),
            "h": Gate(alpha_h / (alpha_h + beta_h), alpha_h + beta_h),
        }

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gNa"] * (m * m * m * h) * (v - params["eNa"])
