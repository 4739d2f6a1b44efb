"""`SK_E2`: the calcium-activated potassium current of small conductance.

Source: Köhler et al. 1996, Science 273:1709, as in Hay et al. 2011: no voltage dependence, no temperature correction.
No deviation.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, sigmoid
from .layer5 import CALCIUM_FLOOR, CALCIUM_INSIDE, E_K, GBAR
from .protocol import Values


class SK_E2(GatedChannel):
    """gbar z (v - eK)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gbar": GBAR, "eK": E_K}
        self.channel_states = {f"{prefix}_z": 0.0, "CaCon_i": CALCIUM_INSIDE}
        self.current_name = "i_K"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """z_inf = 1/(1 + (4.3e-4/ca_i)^4.8) with ca_i at least 1e-7 mM, tau_z = 1 ms; ca_i is the shared `CaCon_i`."""
        calcium = jnp.maximum(states["CaCon_i"], CALCIUM_FLOOR)
        return {"z": Gate(sigmoid(4.8 * jnp.log(calcium * (1 / 4.3e-4))), 1.0)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_gbar"] * states[f"{prefix}_z"] * (v - params["eK"])
