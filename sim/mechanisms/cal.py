"""`CaL`: the high-threshold calcium current (L-type) of the minimal cortical models.

Source: Pospischil et al. 2008, Biol. Cybern. 99:427, after Reuveni et al. 1993. No deviation. Names and defaults are
those of Jaxley's users.
"""

from __future__ import annotations

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate
from .high_voltage_calcium import high_voltage_calcium_gates
from .pospischil import E_CA
from .protocol import Values


class CaL(GatedChannel):
    """gCaL q^2 r (v - eCa)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gCaL": 0.1e-3, "eCa": E_CA}
        self.channel_states = {f"{prefix}_q": 0.2, f"{prefix}_r": 0.2}
        self.current_name = "i_Ca"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """Those of `Ca_HVA`, where q is called m and r is called h; see `high_voltage_calcium_gates`."""
        gates = high_voltage_calcium_gates(v, v)
        return {"q": gates["m"], "r": gates["h"]}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        q, r = states[f"{prefix}_q"], states[f"{prefix}_r"]
        return params[f"{prefix}_gCaL"] * (q * q * r) * (v - params["eCa"])
