"""`Km`: the slow, non-inactivating potassium current (M-type) of the minimal cortical models.

Source: Pospischil et al. 2008, Biol. Cybern. 99:427, after Yamada et al. 1989. No deviation. Names and defaults are
those of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, sigmoid
from .pospischil import E_K
from .protocol import Values


class Km(GatedChannel):
    """gKm p (v - eK); `taumax` in ms scales the time constant of p."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gKm": 0.004e-3, f"{prefix}_taumax": 4000.0, "eK": E_K}
        self.channel_states = {f"{prefix}_p": 0.2}
        self.current_name = "i_K"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """p_inf = 1/(1 + exp(-u/10)), tau_p = taumax/(3.3 exp(u/20) + exp(-u/20)), with u = v + 35."""
        u = v + 35.0
        rise = jnp.exp(u * (1 / 20.0))
        rate = (3.3 * rise + 1.0 / rise) / params[f"{self._name}_taumax"]
        return {"p": Gate(sigmoid(u * 0.1), rate, slow=True)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_gKm"] * states[f"{prefix}_p"] * (v - params["eK"])
