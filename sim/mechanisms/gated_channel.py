"""The base of channels whose states are first-order gates.

Owns how gates start and advance; a subclass gives their steady states and rates, and the current.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..types import Named
from .gates import Gate, relax
from .protocol import Channel, TimeStep, Values


class GatedChannel(Channel):
    """A channel with states x' = rate (x_inf - x), each advanced exactly at the voltage of the step's start.

    Subclasses define `gates` and `compute_current`, and list one state "<name>_<gate>" per gate.
    """

    def gates(self, states: Named, v: Values, params: Named) -> Mapping[str, Gate]:
        """Steady state and rate (1/ms) of each gate by its name without the prefix."""
        raise NotImplementedError(f"{type(self).__name__} must define gates(states, v, params)")

    def update_states(self, states: Named, dt: TimeStep, v: Values, params: Named) -> dict[str, Values]:
        """The gates at t + dt."""
        update = {}
        for gate, (inf, rate, slow) in self.gates(states, v, params).items():
            key = f"{self._name}_{gate}"
            update[key] = relax(states[key], dt, inf, rate, slow)
        return update

    def init_state(self, states: Named, v: Values, params: Named, delta_t: TimeStep) -> dict[str, Values]:
        """The gates at their steady state at `v`."""
        return {f"{self._name}_{gate}": inf for gate, (inf, *_) in self.gates(states, v, params).items()}
