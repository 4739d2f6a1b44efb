"""`Leak`: the passive membrane conductance, in the vocabulary of Jaxley's users. Source: Ohm's law."""

from __future__ import annotations

from ..types import Named
from .protocol import Channel, Values


class Leak(Channel):
    """gLeak (v - eLeak)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        prefix = self._name
        self.channel_params = {f"{prefix}_gLeak": 1e-4, f"{prefix}_eLeak": -70.0}
        self.current_name = f"i_{prefix}"

    def compute_current(self, states: Named, v: Values, params: Named) -> Values:
        """The current, mA/cm^2."""
        prefix = self._name
        return params[f"{prefix}_gLeak"] * (v - params[f"{prefix}_eLeak"])
