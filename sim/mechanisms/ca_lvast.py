"""`Ca_LVAst`: the low-voltage-activated calcium current.

Source: Avery & Johnston 1996, J. Neurosci. 16:5567, as in Hay et al. 2011: shifted by -10 mV for the junction potential
(u = v + 10). Rates corrected from 21 degrees Celsius by a Q10 of 2.3. No deviation.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, sigmoid
from .layer5 import E_CA, GBAR, TEMPERATURE, q10_factor
from .protocol import Values


class Ca_LVAst(GatedChannel):
    """gbar m^2 h (v - eCa)."""

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name)
        prefix = self._name
        self.temperature = float(temperature)
        self._qt = q10_factor(temperature)
        self.channel_params = {f"{prefix}_gbar": GBAR}
        self.channel_states = {f"{prefix}_m": 0.0, f"{prefix}_h": 0.0, "eCa": E_CA}
        self.current_name = "i_Ca"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Steady states and rates, with u = v + 10.

        m_inf = 1/(1 + exp((u+30)/-6)), tau_m = (5 + 20/(1 + exp((u+25)/5)))/qt; h_inf = 1/(1 + exp((u+80)/6.4)),
        tau_h = (20 + 50/(1 + exp((u+40)/7)))/qt.
        """
        u = v + 10.0
        tau_m = 5.0 + 20.0 * sigmoid((u + 25.0) * (-1 / 5.0))
        tau_h = 20.0 + 50.0 * sigmoid((u + 40.0) * (-1 / 7.0))
        return {
            "m": Gate(sigmoid((u + 30.0) * (1 / 6.0)), self._qt / tau_m),
            "h": Gate(sigmoid((u + 80.0) * (-1 / 6.4)), self._qt / tau_h),
        }

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gbar"] * (m * m * h) * (v - states["eCa"])
