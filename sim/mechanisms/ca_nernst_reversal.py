"""`CaNernstReversal`: the calcium reversal potential that follows the concentrations.

Source: the Nernst potential (nernst.py). Names and default temperature are those of Jaxley's users. The concentration
inside counts as at least 1e-7 mM: an outward current must not end in a logarithm of zero.
"""

from __future__ import annotations

import math
from typing import Final

import jax.numpy as jnp

from ..types import Named
from ..units import thermal_voltage
from .layer5 import CALCIUM_FLOOR, CALCIUM_INSIDE, CALCIUM_OUTSIDE
from .nernst import nernst_potential
from .protocol import Mechanism, Values

#: That of the squid's axon, degrees Celsius (279.45 K).
_TEMPERATURE: Final = 6.3


class CaNernstReversal(Mechanism):
    """eCa = R T / (2 F) ln(CaCon_e / CaCon_i), at `temperature` in degrees Celsius; carries no current.

    A channel that takes `eCa` as a parameter (`CaL`, `CaT`) gets this one where both are inserted.
    """

    def __init__(self, name: str | None = None, *, temperature: float = _TEMPERATURE) -> None:
        super().__init__(name)
        self.temperature = float(temperature)
        rest = 0.5 * thermal_voltage(self.temperature) * math.log(CALCIUM_OUTSIDE / CALCIUM_INSIDE)
        self.channel_states = {"CaCon_i": CALCIUM_INSIDE, "CaCon_e": CALCIUM_OUTSIDE, "eCa": rest}

    def update_reversals(self, states: Named, v: Values, params: Named) -> dict[str, Values]:
        """`eCa`, mV."""
        inside = jnp.maximum(states["CaCon_i"], CALCIUM_FLOOR)
        return {"eCa": nernst_potential(inside, states["CaCon_e"], 2, self.temperature)}
