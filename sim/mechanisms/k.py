"""`K`: the delayed-rectifier potassium current of the minimal cortical models.

Source: Pospischil et al. 2008, Biol. Cybern. 99:427, after Traub & Miles 1991. No deviation. Names and defaults are
those of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gated_channel import GatedChannel
from .gates import Gate, linoid
from .pospischil import E_K, V_T
from .protocol import Values


class K(GatedChannel):
    """gK n^4 (v - eK)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gK": 5e-3, "eK": E_K, "vt": V_T}
        self.channel_states = {f"{prefix}_n": 0.2}
        self.current_name = "i_K"

    def gates(self, states: Named, v: Values, params: Named) -> dict[str, Gate]:
        """alpha = 0.032 L(u-15, 5) and beta = 0.5 exp(-(u-10)/40), with u = v - vt, L(x, k) = x / (1 - exp(-x/k))."""
        u = v - params["vt"]
        alpha = 0.032 * linoid(u - 15.0, 5.0)
        beta = 0.5 * jnp.exp((u - 10.0) * (-1 / 40.0))
        return {"n": Gate(alpha / (alpha + beta), alpha + beta)}

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        n_2 = states[f"{prefix}_n"] * states[f"{prefix}_n"]
        return params[f"{prefix}_gK"] * (n_2 * n_2) * (v - params["eK"])
