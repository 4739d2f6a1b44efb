"""`CaPump`: calcium in a thin shell below the membrane, filled by the calcium current and pumped out exponentially.

Source: Destexhe et al. 1994, J. Neurophysiol. 72:803; the equation of `CaDynamics_E2`, as a pump. No deviation. Names
and defaults are those of Jaxley's users.
"""

from __future__ import annotations

from ..types import Named
from ..units import FARADAY, INFLUX_TO_SHELL
from .layer5 import CALCIUM_INSIDE
from .protocol import Values
from .pump import Pump


class CaPump(Pump):
    """CaCon_i' = -1e4 i_Ca gamma / (2 F depth) - (CaCon_i - minCaCon_i) / decay.

    gamma is the part of the calcium that stays free, decay in ms, depth of the shell in um, minCaCon_i in mM.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {
            f"{prefix}_gamma": 0.05,
            f"{prefix}_decay": 80.0,
            f"{prefix}_depth": 0.1,
            f"{prefix}_minCaCon_i": 1e-4,
        }
        self.channel_states = {"CaCon_i": CALCIUM_INSIDE}
        self.ion_name = "CaCon_i"
        self.current_name = "i_CaPump"

    def compute_current(self, states: Named, concentration: Values, params: Named) -> Values:
        """-CaCon_i', mM/ms."""
        prefix = self._name
        filling = states["i_Ca"] * params[f"{prefix}_gamma"] * (INFLUX_TO_SHELL / (2.0 * FARADAY))
        excess = concentration - params[f"{prefix}_minCaCon_i"]
        return filling / params[f"{prefix}_depth"] + excess / params[f"{prefix}_decay"]
