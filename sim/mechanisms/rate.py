"""`Rate`: the neuron of rate networks, which v stands for without a unit.

Source: Wilson & Cowan 1972, Biophys. J. 12:1, in the form of recurrent rate networks (Sompolinsky et al. 1988, Phys.
Rev. Lett. 61:259); names and defaults are those of Jaxley's users.
"""

from __future__ import annotations

import jax.numpy as jnp

from ..types import Named
from .point_neuron import PointNeuron
from .protocol import TimeStep, Values


class Rate(PointNeuron):
    """tau v' = -v (tau in ms); inputs come from synapses and stimuli."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.channel_params = {f"{self._name}_tau": 1.0}

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """The new v, exact without inputs."""
        return {"v": v * jnp.exp(-dt / params[f"{self._name}_tau"])}
