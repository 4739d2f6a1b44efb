"""The base of electrical synapses, which couple both voltages.

Owns the protocol; the step puts the conductance between the two compartments into the voltage equation, implicit in
both voltages, so that it is stable at any value.
"""

from __future__ import annotations

from ..mechanisms.protocol import Values
from ..types import Named
from .protocol import Synapse


class ElectricalSynapse(Synapse):
    """An ohmic connection of two compartments; subclasses give `conductance`.

    What leaves the one side enters the other. `compute_current` is for recording: the voltage equation takes
    `conductance`.
    """

    def conductance(self, states: Named, params: Named) -> Values:
        """Conductance between the two sides, uS.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define conductance(states, params) in uS")

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """The current that leaves the postsynaptic side, nA."""
        return self.conductance(states, params) * (post_voltage - pre_voltage)
