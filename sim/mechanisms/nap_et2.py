"""`Nap_Et2`: the persistent sodium current.

Source: Magistretti & Alonso 1999, J. Gen. Physiol. 114:491, as in Hay et al. 2011; the time constant of m is
six times that of `NaTa_t`. Rates corrected from 21 degrees Celsius by a Q10 of 2.3. No deviation.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, linoid, linoid_gate, sigmoid
from .layer5 import E_NA, GBAR, TEMPERATURE, q10_factor
from .protocol import Values


class Nap_Et2(GatedChannel):
    """gbar m^3 h (v - eNa)."""

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name)
        prefix = self._name
        self.temperature = float(temperature)
        self._qt = q10_factor(temperature)
        self.channel_params = {f"{prefix}_gbar": GBAR, "eNa": E_NA}
        self.channel_states = {f"{prefix}_m": 0.0, f"{prefix}_h": 0.0}
        self.current_name = "i_Na"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Steady states and rates, with L(x, k) = x / (1 - exp(-x/k)).

        m_inf = 1/(1 + exp((v+52.6)/-4.6)), tau_m = 6/((alpha+beta) qt) with alpha, beta of `NaTa_t`'s m;
        h_inf = 1/(1 + exp((v+48.8)/10)), tau_h = 1/((alpha+beta) qt) with alpha = 2.88e-6 L(-(v+17), 4.63),
        beta = 6.94e-6 L(v+64.4, 2.63).
        """
        rate_m = linoid_gate(v + 38.0, 6.0, 0.182, 0.124).rate
        rate_h = 2.88e-6 * linoid(-17.0 - v, 4.63) + 6.94e-6 * linoid(v + 64.4, 2.63)
        return {
            "m": Gate(sigmoid((v + 52.6) * (1 / 4.6)), rate_m * (self._qt / 6.0)),
            "h": Gate(sigmoid((v + 48.8) * (-1 / 10.0)), rate_h * self._qt, slow=True),
        }

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gbar"] * (m * m * m * h) * (v - params["eNa"])
