"""`Ca_HVA2`: the high-voltage-activated calcium current with shifted inactivation.

Source: Reuveni et al. 1993, J. Neurosci. 13:4609, as in the rat somatosensory models of 2018 and later:
no temperature correction. No deviation.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate
from .high_voltage_calcium import high_voltage_calcium_gates
from .layer5 import E_CA, GBAR
from .protocol import Values


class Ca_HVA2(GatedChannel):
    """gbar m^2 h (v - eCa)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gbar": GBAR}
        self.channel_states = {f"{prefix}_m": 0.0, f"{prefix}_h": 0.0, "eCa": E_CA}
        self.current_name = "i_Ca"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Those of `Ca_HVA` with the rates of h taken at v + 12.3; see `high_voltage_calcium_gates`."""
        return high_voltage_calcium_gates(v, v + 12.3)

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        m, h = states[f"{prefix}_m"], states[f"{prefix}_h"]
        return params[f"{prefix}_gbar"] * (m * m * h) * (v - states["eCa"])
