"""`CaDynamics_DC0`: the calcium pool whose shell depth follows the diameter.

Source: Destexhe et al. 1994, J. Neurophysiol. 72:803, as in the rat somatosensory models of 2018 and later.
No deviation.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .calcium_pool import CalciumPool
from .layer5 import TEMPERATURE
from .protocol import TimeStep, Values


class CaDynamics_DC0(CalciumPool):
    """ca_i' = -1e4 i_Ca (4/diam) gamma / (2 F) - (ca_i - minCai) / decay: the whole cylinder is the shell."""

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name, temperature=temperature)
        prefix = self._name
        self.channel_params = {f"{prefix}_gamma": 0.01, f"{prefix}_decay": 70.0, f"{prefix}_minCai": 6.5e-5}

    def depth(self, params: Named) -> Values:
        """Volume over area of a cylinder: diam/4, um."""
        return 0.25 * params["diam"]

    def init_state(self, states: Named, v: Values, params: Named, delta_t: TimeStep) -> dict[str, Values]:
        """`CaCon_i` at minCai, and its `eCa`."""
        inside = params[f"{self._name}_minCai"] + jnp.zeros_like(v)
        return {"CaCon_i": inside, **self.update_reversals({**states, "CaCon_i": inside}, v, params)}
