"""`Fire`: threshold and reset, which make an integrate-and-fire neuron of any membrane.

Source: Lapicque 1907, J. Physiol. Pathol. Gen. 9:620, of the idea (with `Leak` beside it); names and defaults are those
of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .point_neuron import PointNeuron
from .protocol import TimeStep, Values


class Fire(PointNeuron):
    """At v > vth (mV): v = vreset. The state `spikes` is 1 in a step that begins with a reset, else 0.

    The other currents act in the same step, from the reset v on.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_vth": -50.0, f"{prefix}_vreset": -70.0}
        self.channel_states = {f"{prefix}_spikes": 0.0}

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """spikes, and "v" after the reset where it has crossed the threshold."""
        prefix = self._name
        spiked = v > params[f"{prefix}_vth"]
        return {
            f"{prefix}_spikes": spiked.astype(v.dtype),
            "v": jnp.where(spiked, params[f"{prefix}_vreset"], v),
        }
