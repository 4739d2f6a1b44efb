"""`CaDynamics_E2`: the calcium pool with a shell of fixed depth.

Source: Destexhe et al. 1994, J. Neurophysiol. 72:803, as in Hay et al. 2011. `CaCon_i` starts at its value of the
table (5e-5 mM by default, NEURON's), not at minCai. No deviation.
"""

from __future__ import annotations

from ..types import Named
from .calcium_pool import CalciumPool
from .layer5 import TEMPERATURE
from .protocol import TimeStep, Values


class CaDynamics_E2(CalciumPool):
    """ca_i' = -1e4 i_Ca gamma / (2 F depth) - (ca_i - minCai) / decay."""

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name, temperature=temperature)
        prefix = self._name
        self.channel_params = {
            f"{prefix}_gamma": 0.05,
            f"{prefix}_decay": 80.0,
            f"{prefix}_depth": 0.1,
            f"{prefix}_minCai": 1e-4,
        }

    def depth(self, params: Named) -> Values:
        """The parameter `depth`, um."""
        return params[f"{self._name}_depth"]

    def init_state(self, states: Named, v: Values, params: Named, delta_t: TimeStep) -> dict[str, Values]:
        """`eCa` of the concentration as it is."""
        return self.update_reversals(states, v, params)
