"""`K_Pst`: the persistent potassium current.

Source: Korngreen & Sakmann 2000, J. Physiol. 525:621, as in Hay et al. 2011: shifted by -10 mV for the junction
potential (u = v + 10). Rates corrected from 21 degrees Celsius by a Q10 of 2.3. No deviation; tau_m has
a kink at u = -50, where its gradient is that of the side above.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, sigmoid
from .layer5 import E_K, GBAR, TEMPERATURE, q10_factor
from .protocol import Values


class K_Pst(GatedChannel):
    """gbar m^2 h (v - eK)."""

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name)
        prefix = self._name
        self.temperature = float(temperature)
        self._qt = q10_factor(temperature)
        self.channel_params = {f"{prefix}_gbar": GBAR, "eK": E_K}
        self.channel_states = {f"{prefix}_m": 0.0, f"{prefix}_h": 0.0}
        self.current_name = "i_K"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Steady states and rates, with u = v + 10.

        m_inf = 1/(1 + exp(-(u+1)/12)), tau_m = (1.25 + 175.03 exp(0.026 u))/qt for u < -50,
        else (1.25 + 13 exp(-0.026 u))/qt; h_inf = 1/(1 + exp((u+54)/11)),
        tau_h = (360 + (1010 + 24 (u+55)) exp(-((u+75)/48)^2))/qt.
        """
        u = v + 10.0
        low = u < -50.0
        # One exponential serves both sides; its argument is at most 1.3.
        tau_m = 1.25 + jnp.where(low, 175.03, 13.0) * jnp.exp(jnp.where(low, 0.026, -0.026) * u)
        bell = (u + 75.0) * (1 / 48.0)
        tau_h = 360.0 + (1010.0 + 24.0 * (u + 55.0)) * jnp.exp(-bell * bell)
        return {
            "m": Gate(sigmoid((u + 1.0) * (1 / 12.0)), self._qt / tau_m),
            "h": Gate(sigmoid((u + 54.0) * (-1 / 11.0)), self._qt / tau_h, slow=True),
        }

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gbar"] * (m * m * h) * (v - params["eK"])
