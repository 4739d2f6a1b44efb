"""`GapJunction`: a constant conductance between two compartments. Source: Ohm's law."""

from __future__ import annotations

from ..mechanisms.protocol import Values
from ..types import Named
from .electrical import ElectricalSynapse


class GapJunction(ElectricalSynapse):
    """g (v_post - v_pre), and the opposite on the other side; g in uS."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.synapse_params = {f"{self._name}_g": 1e-4}

    def conductance(self, states: Named, params: Named) -> Values:
        """g, uS."""
        return params[f"{self._name}_g"]
