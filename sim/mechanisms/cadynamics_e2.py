"""`CaDynamics_E2`: the calcium pool with a shell of fixed depth.

Source: Destexhe et al. 1994, J. Neurophysiol. 72:803, as in Hay et al. 2011. No deviation in the equation. The pool
starts off its rest (5e-5 mM, minCai is 1e-4), and a step moves concentrations before it takes currents: `init_state`
goes one step of decay back, so that the first currents are those at 5e-5 mM, as NEURON's are.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .calcium_pool import CalciumPool
from .layer5 import CALCIUM_INSIDE, TEMPERATURE
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
        """`CaCon_i` such that a first step without current ends at 5e-5 mM, and its `eCa`."""
        prefix = self._name
        rest = params[f"{prefix}_minCai"]
        inside = rest + (CALCIUM_INSIDE - rest) * jnp.exp(delta_t / params[f"{prefix}_decay"]) + jnp.zeros_like(v)
        return {"CaCon_i": inside, **self.update_reversals({**states, "CaCon_i": inside}, v, params)}
