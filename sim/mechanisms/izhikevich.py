"""`Izhikevich`: the simple model of spiking neurons with two variables.

Source: Izhikevich 2003, IEEE Trans. Neural Netw. 14:1569. Names and defaults are those of Jaxley's users (regular
spiking), and so is the step: u exactly at the v of the step's start, then v by forward Euler with the new u, then the
reset. (The program printed in 2003 resets first and takes v in two halves.)
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .gates import relax
from .point_neuron import PointNeuron
from .protocol import TimeStep, Values

#: The peak of a spike, mV: from here v is reset.
_PEAK = 30.0


class Izhikevich(PointNeuron):
    """v' = 0.04 v^2 + 5 v + 140 - u, u' = a (b v - u); at v >= 30 mV: v = c, u = u + d.

    a in 1/ms, b in 1/ms, c in mV, d in mV/ms, u in mV/ms.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_a": 0.02, f"{prefix}_b": 0.2, f"{prefix}_c": -65.0, f"{prefix}_d": 8.0}
        self.channel_states = {f"{prefix}_u": 0.0}

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """u and "v" at t + dt, after the reset where v has reached the peak."""
        prefix = self._name
        u = relax(states[f"{prefix}_u"], dt, params[f"{prefix}_b"] * v, params[f"{prefix}_a"], slow=True)
        v = v + dt * (0.04 * v * v + 5.0 * v + 140.0 - u)
        spiked = v >= _PEAK
        return {
            f"{prefix}_u": jnp.where(spiked, u + params[f"{prefix}_d"], u),
            "v": jnp.where(spiked, params[f"{prefix}_c"], v),
        }

    def init_state(self, states: Named, v: Values, params: Named, delta_t: TimeStep) -> dict[str, Values]:
        """u = b v, its rest at `v`."""
        return {f"{self._name}_u": params[f"{self._name}_b"] * v}
