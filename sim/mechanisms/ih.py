"""`Ih`: the hyperpolarisation-activated cation current.

Source: Kole et al. 2006, J. Neurosci. 26:1677, as in Hay et al. 2011: no temperature correction. No deviation.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, linoid
from .layer5 import GBAR
from .protocol import Values


class Ih(GatedChannel):
    """gbar m (v - ehcn)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gbar": GBAR, f"{prefix}_ehcn": -45.0}
        self.channel_states = {f"{prefix}_m": 0.0}
        self.current_name = "i_Ih"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """alpha = 0.00643 (v+154.9)/(exp((v+154.9)/11.9) - 1) and beta = 0.193 exp(v/33.1).

        alpha is 0.00643 L(-(v+154.9), 11.9) with L(x, k) = x / (1 - exp(-x/k)).
        """
        alpha = 0.00643 * linoid(-154.9 - v, 11.9)
        beta = 0.193 * jnp.exp(v * (1 / 33.1))
        return {"m": Gate(alpha / (alpha + beta), alpha + beta)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_gbar"] * states[f"{prefix}_m"] * (v - params[f"{prefix}_ehcn"])
