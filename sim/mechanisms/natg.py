"""`NaTg`: the transient sodium current with adjustable half-points and slopes.

Source: Colbert & Pan 2002, Nat. Neurosci. 5:533, as in the rat somatosensory models of 2018 and later. Rates
corrected from 21 degrees Celsius by a Q10 of 2.3. No deviation. Both slopes are parameters, so that m and
h share no exponential.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, linoid_gate
from .layer5 import E_NA, GBAR, TEMPERATURE, q10_factor
from .protocol import Values


class NaTg(GatedChannel):
    """gbar m^3 h (v - eNa).

    `vshiftm`, `vshifth` (mV) move the half-points up; `slopem`, `slopeh` (mV) are the slopes.
    """

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name)
        prefix = self._name
        self.temperature = float(temperature)
        self._qt = q10_factor(temperature)
        self.channel_params = {
            f"{prefix}_gbar": GBAR,
            f"{prefix}_vshiftm": 0.0,
            f"{prefix}_vshifth": 0.0,
            f"{prefix}_slopem": 6.0,
            f"{prefix}_slopeh": 6.0,
            "eNa": E_NA,
        }
        self.channel_states = {f"{prefix}_m": 0.0, f"{prefix}_h": 0.0}
        self.current_name = "i_Na"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Those of `NaTa_t` with half-points -38 + vshiftm and -66 + vshifth and the slopes slopem and slopeh."""
        prefix = self._name
        m = linoid_gate(v + 38.0 - params[f"{prefix}_vshiftm"], params[f"{prefix}_slopem"], 0.182, 0.124)
        h = linoid_gate(-(v + 66.0 - params[f"{prefix}_vshifth"]), params[f"{prefix}_slopeh"], 0.015, 0.015)
        return {"m": Gate(m.inf, m.rate * self._qt), "h": Gate(h.inf, h.rate * self._qt)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gbar"] * (m * m * m * h) * (v - params["eNa"])
