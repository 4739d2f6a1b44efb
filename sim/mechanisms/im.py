"""`Im`: the muscarinic potassium current.

Source: Adams et al. 1982, J. Physiol. 330:537, as in Hay et al. 2011. Rates corrected from 21 degrees Celsius by a Q10
of 2.3. No deviation.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate
from .layer5 import E_K, GBAR, TEMPERATURE, q10_factor
from .protocol import Values


class Im(GatedChannel):
    """gbar m (v - eK)."""

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name)
        prefix = self._name
        self.temperature = float(temperature)
        self._qt = q10_factor(temperature)
        self.channel_params = {f"{prefix}_gbar": GBAR, "eK": E_K}
        self.channel_states = {f"{prefix}_m": 0.0}
        self.current_name = "i_K"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """alpha = 3.3e-3 exp(0.1 (v+35)), beta = 3.3e-3 exp(-0.1 (v+35)): each is the other's inverse."""
        rise = jnp.exp((v + 35.0) * 0.1)
        total = rise + 1.0 / rise
        return {"m": Gate(rise / total, total * (3.3e-3 * self._qt))}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_gbar"] * states[f"{prefix}_m"] * (v - params["eK"])
