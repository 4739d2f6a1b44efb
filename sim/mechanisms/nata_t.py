"""`NaTa_t`: the transient sodium current of the axon.

Source: Colbert & Pan 2002, Nat. Neurosci. 5:533, as in Hay et al. 2011. Rates corrected from 21 degrees Celsius
by a Q10 of 2.3. No deviation.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate
from .layer5 import E_NA, GBAR, TEMPERATURE, q10_factor
from .protocol import Values
from .transient_sodium import transient_sodium_gates


class NaTa_t(GatedChannel):
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

        alpha_m = 0.182 L(v+38, 6), beta_m = 0.124 L(-(v+38), 6);
        alpha_h = 0.015 L(-(v+66), 6), beta_h = 0.015 L(v+66, 6).
        """
        return transient_sodium_gates(v, -38.0, -66.0, self._qt)

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gbar"] * (m * m * m * h) * (v - params["eNa"])
