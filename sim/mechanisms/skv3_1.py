"""`SKv3_1`: the fast, non-inactivating potassium current (Kv3.1).

Source: Rettig et al. 1992, EMBO J. 11:2473, as in Hay et al. 2011: no temperature correction. No deviation.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, sigmoid
from .layer5 import E_K, GBAR
from .protocol import Values


class SKv3_1(GatedChannel):
    """gbar m (v - eK)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gbar": GBAR, "eK": E_K}
        self.channel_states = {f"{prefix}_m": 0.0}
        self.current_name = "i_K"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """m_inf = 1/(1 + exp((v-18.7)/-9.7)), tau_m = 4/(1 + exp((v+46.56)/-44.14))."""
        rate = 0.25 + 0.25 * jnp.exp((v + 46.56) * (-1 / 44.14))
        return {"m": Gate(sigmoid((v - 18.7) * (1 / 9.7)), rate)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_gbar"] * states[f"{prefix}_m"] * (v - params["eK"])
