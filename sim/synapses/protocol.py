"""What a synapse is: the class that every synapse derives from.

Owns what a synapse computes (its name, renaming and equality are in identity.py). Does not know networks: the lowering
reads `synapse_params` and `synapse_states`, and the step calls the methods on arrays.

All calls are elementwise on arrays of one shape (any shape, any float type): one value per synapse (and lane). `states`
and `params` hold the synapse's own entries ("<name>_..."); voltages are those of the compartments on its two sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..identity import Identified
from ..mechanisms.protocol import TimeStep, Values
from ..types import Named


class Synapse(Identified):
    """A point process from a presynaptic to a postsynaptic compartment; subclasses give `compute_current`.

    Attributes:
        synapse_params: default values of the parameters (conductances in uS).
        synapse_states: default values of the states.
    """

    _tables: ClassVar[tuple[str, ...]] = ("synapse_params", "synapse_states")

    synapse_params: dict[str, float]
    synapse_states: dict[str, float]

    def update_states(
        self, states: Named, delta_t: TimeStep, pre_voltage: Values, post_voltage: Values, params: Named
    ) -> Mapping[str, Values]:
        """Its states at t + delta_t from those at t and the voltages at t (mV); `delta_t` in ms."""
        return {}

    def compute_current(self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named) -> Values:
        """Current through the postsynaptic membrane in nA, outward positive.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define compute_current(states, pre_voltage, post_voltage, params) in nA"
        )

    def init_state(
        self, states: Named, pre_voltage: Values, post_voltage: Values, params: Named, delta_t: TimeStep
    ) -> Mapping[str, Values]:
        """Its states at rest at these voltages; a state it leaves out keeps its value of the table."""
        return {}
