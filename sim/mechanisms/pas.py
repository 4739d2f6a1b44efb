"""`pas`: the passive membrane conductance, in the layer-5 models' vocabulary. Source: Ohm's law."""

from __future__ import annotations

from ..types import Named
from .protocol import Channel, Values


class pas(Channel):
    """g (v - e). Defaults as NEURON's `pas`."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_g": 0.001, f"{prefix}_e": -70.0}
        self.current_name = "i_pas"

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_g"] * (v - params[f"{prefix}_e"])
