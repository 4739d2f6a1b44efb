"""`CaFaradayConcentrationChange`: the calcium that the calcium current brings, spread over the whole compartment.

Source: Faraday's law of electrolysis (1834). Names and defaults are those of Jaxley's users. The compartment's own
area and volume count (2/radius in a cylinder), so that the amount is right in a reconstruction as well.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from ..units import FARADAY, INFLUX_TO_SHELL
from .layer5 import CALCIUM_INSIDE
from .protocol import Values
from .pump import Pump


class CaFaradayConcentrationChange(Pump):
    """CaCon_i' = -1e4 i_Ca area / (2 F volume). Nothing takes calcium out: an outward current can end below zero."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.channel_states = {"CaCon_i": CALCIUM_INSIDE}
        self.ion_name = "CaCon_i"
        self.current_name = "i_CaCurrent"

    def compute_current(self, states: Named, concentration: Values, params: Named) -> Values:
        """-CaCon_i', mM/ms."""
        surface_per_volume = params["area"] / params["volume"]
        rate = states["i_Ca"] * surface_per_volume * (INFLUX_TO_SHELL / (2.0 * FARADAY))
        return rate + jnp.zeros_like(concentration)
