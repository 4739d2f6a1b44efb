"""The base of calcium pools: a shell below the membrane, filled by the calcium current and emptied exponentially.

Owns the exact step of `CaCon_i` and the Nernst potential that follows it. The two pools differ in the shell's depth and
in where the concentration starts. Source: Destexhe et al. 1994, J. Neurophysiol. 72:803.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from ..units import FARADAY, INFLUX_TO_SHELL
from .gates import relax
from .layer5 import CALCIUM_FLOOR, CALCIUM_INSIDE, CALCIUM_OUTSIDE, E_CA, TEMPERATURE
from .nernst import nernst_potential
from .protocol import ConcentrationPool, TimeStep, Values


class CalciumPool(ConcentrationPool):
    """ca_i' = -1e4 i_Ca gamma / (2 F depth) - (ca_i - minCai) / decay; ca_i is the shared `CaCon_i` in mM.

    Subclasses give the shell's depth in um. `temperature` is that of the Nernst potential.
    """

    def __init__(self, name: str | None = None, *, temperature: float = TEMPERATURE) -> None:
        super().__init__(name)
        self.temperature = float(temperature)
        self.channel_states = {"CaCon_i": CALCIUM_INSIDE, "CaCon_e": CALCIUM_OUTSIDE, "eCa": E_CA}

    def depth(self, params: Named) -> Values:
        """Depth of the shell, um."""
        raise NotImplementedError(f"{type(self).__name__} must define depth(params) in um")

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """`CaCon_i` at t + dt, exact for a constant current: that of the step before."""
        prefix = self._name
        decay = params[f"{prefix}_decay"]
        per_current = params[f"{prefix}_gamma"] * (INFLUX_TO_SHELL / (2.0 * FARADAY)) / self.depth(params)
        settled = params[f"{prefix}_minCai"] - per_current * decay * states["i_Ca"]
        return {"CaCon_i": relax(states["CaCon_i"], dt, settled, 1.0 / decay, slow=True)}

    def update_reversals(self, states: Named, v: Values, params: Named) -> dict[str, Values]:
        """`eCa` by Nernst of `CaCon_i` (at least 1e-7 mM: an outward current must not end in a logarithm of zero)."""
        inside = jnp.maximum(states["CaCon_i"], CALCIUM_FLOOR)
        return {"eCa": nernst_potential(inside, states["CaCon_e"], 2, self.temperature)}
