"""`K_Tst`: the transient potassium current.

Source: Korngreen & Sakmann 2000, J. Physiol. 525:621, as in Hay et al. 2011: shifted by -10 mV for the junction
potential (u = v + 10). Rates corrected from 21 degrees Celsius by a Q10 of 2.3. No deviation.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, sigmoid
from .layer5 import E_K, GBAR, TEMPERATURE, q10_factor
from .protocol import Values


class K_Tst(GatedChannel):
    """gbar m^4 h (v - eK)."""

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

        m_inf = 1/(1 + exp(-u/19)), tau_m = (0.34 + 0.92 exp(-((u+71)/59)^2))/qt; h_inf = 1/(1 + exp((u+66)/10)),
        tau_h = (8 + 49 exp(-((u+73)/23)^2))/qt.
        """
        u = v + 10.0
        bell_m = (u + 71.0) * (1 / 59.0)
        bell_h = (u + 73.0) * (1 / 23.0)
        return {
            "m": Gate(sigmoid(u * (1 / 19.0)), self._qt / (0.34 + 0.92 * jnp.exp(-bell_m * bell_m))),
            "h": Gate(sigmoid((u + 66.0) * (-1 / 10.0)), self._qt / (8.0 + 49.0 * jnp.exp(-bell_h * bell_h))),
        }

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        m_2 = m * m
        return params[f"{prefix}_gbar"] * (m_2 * m_2 * h) * (v - params["eK"])
